"""`python -m retrieval`, and `affect`, which is the same."""

from encoders import set_up_command

set_up_command("affect", "stopped; what was committed stays, run the same command to go on")

from retrieval.cli.main import main  # noqa: E402 (signals are heeded while it is imported)

if __name__ == "__main__":
    main()

"""`python -m retrieval`, and `affect`, which is the same."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while numpy is being imported simply ends us

from retrieval.cli import main  # noqa: E402

if __name__ == "__main__":
    main()

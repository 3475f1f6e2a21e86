"""`python -m retrieval` is `affect`."""

from retrieval.cli import main

main()

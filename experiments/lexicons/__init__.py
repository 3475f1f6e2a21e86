"""The emotion report's annotation of captions by lexicons: what `python -m experiments.emotions` does."""

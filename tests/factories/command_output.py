"""What the command prints when all goes well, and when it does not."""

import json

from library_factory import affect

KEYS = ["rank", "id", "path", "modality", "score", "spaces", "start", "end", "affect", "mood"]


def ok(*words, **options):
    """What the command prints when all goes well: nothing on standard error, exit code 0."""
    done = affect(*words, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def bad(*words, **options):
    """The one line the command says of what is wrong, exit code 2."""
    done = affect(*words, **options)
    assert done.returncode == 2 and "Traceback" not in done.stderr and done.stdout == "", done
    return done.stderr


def answers(text):
    return [json.loads(line) for line in text.splitlines()]

"""Records of `affect feel`."""

import json

from click.testing import CliRunner

from retrieval.cli.main import main

KEYS = {
    "modality", "affect", "experts", "emotions", "speech_emotion", "face_emotion", "face_coverage",
    "trajectory", "why",
}  # fmt: skip


def feel(*words):
    """Exit code, a record a line, and what was said on the side."""
    done = CliRunner().invoke(main, ["feel", "--json", *map(str, words)])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

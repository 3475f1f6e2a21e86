"""A library with an encoder of sound events finds sounds by words never trained on, and says why."""

import json

import numpy as np
import pytest
from command_output import ok
from library_factory import affect
from media_factory import float_wav

RATE = 16000


def make_noise():
    return np.random.default_rng(0).normal(0, 0.1, 2 * RATE)


def make_beeps():
    times = np.arange(2 * RATE) / RATE
    return 0.3 * np.sin(2 * np.pi * 1000 * times) * (times % 0.4 < 0.2)


@pytest.mark.slow
def test_sounds_are_found_by_words_and_explained(tmp_path):
    media, library = tmp_path / "media", tmp_path / "library"
    media.mkdir()
    for name, make in {"static": make_noise, "beeps": make_beeps}.items():
        float_wav(media / f"{name}.wav", make(), RATE)
    done = affect("index", media, "-l", library, "--encoders", "events=yamnet,objects=,activity=,faces=")
    assert done.returncode == 0, done.stderr
    for words, name in {"white noise": "static", "beeping": "beeps"}.items():
        hits = json.loads(ok("search", words, "-l", library, "--json", "--explain"))["results"]
        assert hits[0]["path"].endswith(f"{name}.wav")
        assert "audio.events" in hits[0]["why"]["views"] and len(hits[0]["why"]["events"]) == 5
    assert "sounds like" in ok("search", "white noise", "-l", library, "--explain")

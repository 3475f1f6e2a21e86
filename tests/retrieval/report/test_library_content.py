"""The sound events and labels that a library has most often."""

import json
from collections import Counter
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from command_output import ok
from library_factory import TOYS, encoded

from encoders import ENCODERS
from retrieval.report.library_content import count_labels, count_sound_events
from retrieval.storage import Library

CONFIG = TOYS.replace(objects="efficientnet-lite2", events="yamnet", text="")


def make_scores(**score_by_class):
    """A row (1, 521) of sound events."""
    classes = ENCODERS.make("yamnet").classes
    scores = np.full((1, len(classes)), 0.05, np.float32)
    for name, score in score_by_class.items():
        scores[0, classes.index(name)] = score
    return scores


def make_file(name, events=None, objects=None, modality="audio"):
    file = encoded(name, sound=np.full((1, 16), np.nan), modality=modality)
    absent = {
        "events": np.full((1, 521), np.nan, np.float32),
        "objects": np.full((1, 1280), np.nan, np.float32),
    }
    given = {name: rows for name, rows in (("events", events), ("objects", objects)) if rows is not None}
    return replace(file, features={**file.features, **absent, **given})


@pytest.fixture
def lib(tmp_path):
    """Two sounds of a dog that also bark, one of music, one of which nothing is sure, and two photos."""
    looks = np.random.default_rng(0).normal(0, 3, (2, 1280)).astype(np.float32)
    sounds = {
        "a": make_scores(Dog=0.9, Bark=0.8),
        "b": make_scores(Dog=0.7),
        "c": make_scores(Music=0.4),
        "d": make_scores(Music=0.2),
    }
    with closing(Library.create(tmp_path / "lib", CONFIG, 15.0)) as library, library.lock_for_writing():
        library.commit([make_file(name, events=scores) for name, scores in sounds.items()])
        library.commit([make_file(f"p{i}", objects=looks[i : i + 1], modality="image") for i in (0, 1)])
    return tmp_path / "lib"


def test_segments_are_counted_by_their_best_class(lib):
    classifier = ENCODERS.make("efficientnet-lite2")
    with closing(Library.open(lib)) as library:
        assert list(count_sound_events(library).items()) == [("Dog", 2), ("Music", 1)]
        rows = library.vectors.load("objects", np.arange(library.catalog.get_extent().segments))
        logits = classifier.logits(rows[~np.isnan(rows).any(axis=1)]).astype(np.float64)
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        sure = [classifier.classes[row.argmax()] for row in shares if row.max() >= 0.3]
        assert sure and count_labels(library) == Counter(sure)


def test_info_names_them(lib):
    info = json.loads(ok("info", "--library", lib, "--json"))
    assert info["heard"] == {"Dog": 2, "Music": 1} and sum(info["seen"].values()) > 0
    assert "Dog: 2, Music: 1" in ok("info", "--library", lib)


def test_a_removed_sound_is_not_counted(lib):
    ok("remove", "000000000000000a", "--library", lib)
    assert json.loads(ok("info", "--library", lib, "--json"))["heard"] == {"Dog": 1, "Music": 1}


def test_rows_of_another_encoder_are_not_named(lib):
    with closing(Library.open(lib)) as library, library.catalog.transaction():
        signature = json.loads(library.catalog.get_meta("signature"))
        library.catalog.set_meta("signature", json.dumps({**signature, "events": "another/521/abc"}))
    info = json.loads(ok("info", "--library", lib, "--json"))
    assert info["heard"] == {} and info["seen"]


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ({"tone": "tone", "events": "yamnet"}, "affect by the names of the sound events heard in them"),
        ({"tone": "tone", "events": ""}, "arousal by cues that speech and music share, valence unknown"),
        ({"tone": "", "events": "yamnet"}, ""),
    ],
)
def test_info_tells_where_the_affect_of_other_sounds_comes_from(tmp_path, roles, told):
    config = CONFIG.replace(**roles)
    with closing(Library.create(tmp_path / "lib", config, 15.0)):
        pass
    info = json.loads(ok("info", "--library", tmp_path / "lib", "--json"))
    assert info["other_sounds"] == told

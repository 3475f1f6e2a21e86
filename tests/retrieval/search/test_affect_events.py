"""A mood finds other sounds by what is heard in them, and the explanation names it."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from library_factory import TOYS, encoded

from encoders import ENCODERS
from retrieval.search import Engine, Query, explain_hit
from retrieval.storage import Library

CONFIG = TOYS.replace(objects="", sound="", tone="tone", events="yamnet", text="")


def make_sound(name, seed, **score_by_class):
    classes = ENCODERS.make("yamnet").classes
    scores = np.full((1, len(classes)), 0.001, np.float32)
    for class_name, score in score_by_class.items():
        scores[0, classes.index(class_name)] = score
    tone = np.random.default_rng(seed).normal(size=(1, 442)).astype(np.float32)
    file = encoded(name, sound=np.full((1, 16), np.nan), modality="audio")
    return replace(file, features={"tone": tone, "events": scores})


@pytest.fixture
def engine(tmp_path):
    """An explosion, laughter and someone who speaks."""
    sounds = [
        make_sound("a", 0, Explosion=0.95),
        make_sound("b", 1, Laughter=0.95),
        make_sound("c", 2, Speech=0.95),
    ]
    with closing(Library.create(tmp_path / "lib", CONFIG, 15.0)) as library:
        with library.lock_for_writing():
            library.commit(sounds)
        with Engine(library) as engine:
            yield engine


def test_a_mood_finds_what_is_heard_and_says_so(engine):
    hits = {hit.id[-1]: hit for hit in engine.search(Query(mood="happy", k=3))}
    assert hits["b"].score > hits["a"].score
    (event,) = explain_hit(engine, hits["a"])["affect_events"]
    assert event["name"] == "Explosion" and event["share"] > 0.7 and event["valence"] < -0.5
    assert explain_hit(engine, hits["b"])["affect_events"][0]["name"] == "Laughter"
    assert explain_hit(engine, hits["c"])["affect_events"] == []

""" "happy music", "something sad": by mood too; and what is not wanted of music is not all music."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from mood_library import FACED, filled

from retrieval.search import Engine, Query
from retrieval.search.affect_search import weigh_by_sound_mood
from retrieval.search.named_moods import find_named_mood
from retrieval.search.query_moods import PhraseAffect
from retrieval.search.segment_scores import make_scores_without_content
from retrieval.storage import Library
from spaces.circumplex import LANDMARK_RADIUS, LANDMARKS, compute_disc_probability


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    config = FACED.replace(sentiment="minilm-affect", text="minilm")
    folder = filled(tmp_path_factory.mktemp("sounds") / "lib", config)
    with closing(Library.open(folder)) as library, Engine(library) as reading:
        yield reading


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("happy music", "happy"), ("Sad piano MUSIC!", "sad"), ("a calm, relaxing song", "calm relaxing"),
        ("angry voices", "angry"), ("sad music with piano", "sad"), ("a woman singing a sad song", "sad"),
        ("music", None), ("a happy dog", None), ("love song", None), ("death metal music", None),
        ("sad", "sad"), ("something sad", "sad"), ("a calm and peaceful scene", "calm peaceful"),
        ("Scary photos!", "scary"), ("a sad street scene", None), ("a photo", None),
        ("a dog beside scary music", None), ('"happy music"', None), ("the sound of rain", None), ("", None),
    ],
)  # fmt: skip
def test_the_mood_that_a_text_names(text, mood):
    assert find_named_mood(text) == mood


def test_it_is_looked_for_as_a_mood_beside_the_words(engine):
    read = engine.resolve_query(Query(text="sad music", k=20))
    assert read.mood == LANDMARKS["sad"] and read.affect_weight == 0.5
    assert read.reading.positive == "a sad music" and "'sad'" in read.reading.warnings[-1]
    assert engine.search(Query(text="sad music", k=20)) == engine.search(
        Query(text="sad music", mood="sad", k=20)
    )
    scary = engine.resolve_query(Query(text="scary music")).mood
    assert isinstance(scary, PhraseAffect) and scary.phrase == "scary" and scary.point[0] < 0


@pytest.mark.parametrize(
    "given", [{"affect": 0.0}, {"affect": 0.5}, {"mood": "calm"}, {"mood_from_words": True}]
)
def test_a_query_that_says_what_of_mood_is_left_alone(engine, given):
    read = engine.resolve_query(Query(text="sad music", **given))
    assert read.affect == given.get("affect") and not read.reading.warnings
    assert read.mood in (None, LANDMARKS["calm"]) or read.mood_from_words


def test_what_is_not_wanted_counts_as_far_as_it_feels_so(engine):
    segments = np.arange(len(engine.snapshot.item_by_segment))
    content = make_scores_without_content(segments, np.full(len(segments), 0.9), segments, term="x")
    weighed = weigh_by_sound_mood(engine.snapshot, "sad music", content, engine.library.pipeline)
    estimates = engine.snapshot.select_affect(segments)
    known = ~np.isnan(estimates[:, 0])
    expected = 0.9 * compute_disc_probability(estimates[known], LANDMARKS["sad"], LANDMARK_RADIUS)
    assert known.any() and not known.all()
    assert weighed.total[known] == pytest.approx(expected) and (weighed.total[~known] == 0.9).all()
    plain = weigh_by_sound_mood(engine.snapshot, "a dog", content, engine.library.pipeline)
    assert plain is content
    assert replace(weighed, total=content.total) == content

"""What is not wanted lowers scores by its own chance of a match, and changes nothing where it abstains."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from library_factory import encoded
from search_answers import ids

from encoders import AffectError
from retrieval.features import PipelineConfig
from retrieval.search import Engine, Query, explain_hit
from retrieval.search import engine as engine_module
from retrieval.search.negative_terms import apply_negatives, has_enough_left, score_absence
from retrieval.search.segment_scores import SegmentScores
from retrieval.storage import Library

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
ALL = {"k": 20, "balance": 1}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """Four photos that everyone has, and a video of two segments: a cat, then a cup of coffee."""
    data = pytest.importorskip("skimage.data")
    config = PipelineConfig(sound="", events="", tone="", faces="", activity="")
    with closing(Library.create(tmp_path_factory.mktemp("negatives") / "lib", config, 15.0)) as library:
        frames = [getattr(data, name)()[None] for name in PHOTOS]
        rows = library.pipeline.encode_media(frames, [None] * len(frames))["objects"]
        items = [encoded(name[:4], objects=rows[i : i + 1]) for i, name in enumerate(PHOTOS)]
        items.append(encoded("film", objects=rows[1:3], modality="video"))
        with library.lock_for_writing():
            library.commit([replace(item, features={"objects": item.features["objects"]}) for item in items])
        with Engine(library) as reading:
            yield reading


def scores(hits):
    return {hit.id.lstrip("0"): hit.score for hit in hits if hit.modality == "image"}


@pytest.mark.parametrize(
    "given",
    [
        {"text": "an animal without coffee"},
        {"text": "an animal", "exclude": ("coffee",)},
        {"text": "animal -coffee"},
    ],
)
def test_a_score_is_the_chance_of_the_wanted_times_that_of_no_unwanted(engine, given):
    wanted, denied = (scores(engine.search(Query(text=text, **ALL))) for text in ("an animal", "coffee"))
    hits = engine.search(Query(**given, **ALL))
    assert scores(hits) == pytest.approx(
        {name: wanted[name] * (1 - denied[name]) for name in wanted}, abs=2e-6
    )
    assert denied["coff"] > 0.5 > denied["chel"] and ids(hits)[-1] != "chel"
    for hit in hits:
        parts = explain_hit(engine, hit)["parts"]
        assert parts["sum"]["object"] * (1 - parts["not"]["coffee"]) == pytest.approx(hit.score, abs=2e-6)


@pytest.mark.parametrize(
    "given", [{"text": "not a cat"}, {"exclude": ("cats",)}, {"text": "a picture without a cat"}]
)
def test_what_is_only_denied_comes_last(engine, given):
    hits = engine.search(Query(**given, **ALL, modalities=("image",)))
    cats = scores(engine.search(Query(text="a cat", **ALL)))
    assert ids(hits)[-1] == "chel" and len(hits) == len(PHOTOS)
    assert scores(hits) == pytest.approx({name: 1 - score for name, score in cats.items()}, abs=2e-6)


def test_a_video_is_shown_where_the_unwanted_is_not(engine):
    with_coffee = engine.search(Query(text="not a cat", modalities=("video",)))[0]
    with_cat = engine.search(Query(text="not coffee", modalities=("video",)))[0]
    assert (with_coffee.start, with_cat.start) == (15.0, 0.0) and min(with_coffee.score, with_cat.score) > 0.5


def test_more_candidates_are_scored_where_the_nearest_are_unwanted(engine, monkeypatch):
    query = Query(text="a dog", exclude=("a cat",), k=1, modalities=("image",), balance=1)
    best = engine.search(query)
    assert ids(engine.search(replace(query, exclude=()))) == ["chel"] != ids(best)
    monkeypatch.setattr(engine_module, "MIN_CANDIDATES", 1)
    monkeypatch.setattr(engine_module, "CANDIDATES_PER_RESULT", 1)
    assert engine.search(query) == best


@pytest.mark.parametrize("denied", ["a cat", "coffee"])
def test_what_matches_a_negation_least_is_found_by_the_index(engine, monkeypatch, denied):
    best = engine.search(Query(exclude=(denied,), **ALL, modalities=("image",)))[0]
    monkeypatch.setattr(engine_module, "MIN_CANDIDATES", 1)
    monkeypatch.setattr(engine_module, "CANDIDATES_PER_RESULT", 1)
    assert engine.search(Query(exclude=(denied,), k=1, balance=1, modalities=("image",))) == [best]


def test_words_that_no_space_knows_change_nothing_and_are_said(shelf, caplog):
    media, engine = shelf
    plain = engine.search(Query(image=media / "photo3.png", k=20))
    assert engine.search(Query(image=media / "photo3.png", k=20, exclude=("dogs",))) == plain
    assert "nothing is left out" in caplog.text
    assert engine.search(Query(exclude=("dogs",))) == []


def test_a_mood_with_something_unwanted(moods):
    with closing(Library.open(moods)) as library, Engine(library) as reading:
        plain = reading.search(Query(mood="calm", k=5))
        assert (
            plain and reading.search(Query(mood="calm", k=5, exclude=("dogs",))) == plain
        )  # toys know no words


@pytest.mark.parametrize("given", [{"text": "a happy cat", "affect": 1.0}, {"mood": "calm"}])
def test_what_is_unwanted_counts_where_all_else_is_mood(engine, given):
    wanted = scores(engine.search(Query(**given, **ALL)))
    denied = scores(engine.search(Query(text="coffee", **ALL)))
    left = scores(engine.search(Query(**given, **ALL, exclude=("coffee",))))
    assert left == pytest.approx({name: wanted[name] * (1 - denied[name]) for name in wanted}, abs=2e-6)
    assert left["coff"] < wanted["coff"] / 2


def make_scores(total, cosine=0.0):
    empty = np.full(len(total), np.nan)
    return SegmentScores(
        segments=np.arange(len(total)), total=np.array(total), mean_cosine=np.full(len(total), cosine),
        space_scores={}, view_scores={}, affect_match=empty, affect_gain=empty,
        copy_level=np.zeros(len(total), np.int64), moment_score=np.zeros(len(total)),
    )  # fmt: skip


def test_an_abstaining_negative_leaves_a_score_to_the_bit():
    total = np.array([0.1, 1 / 3, np.nan, 0.7])
    moved = apply_negatives(
        make_scores(total), {"a": make_scores([np.nan] * 4), "b": make_scores([np.nan, np.nan, 0.5, 0.5])}
    )
    assert moved.total.tobytes() == np.array([0.1, 1 / 3, np.nan, 0.35]).tobytes()
    assert moved.positive_total.tobytes() == total.tobytes()


def test_absence_is_unknown_where_every_negative_abstains():
    absence = score_absence(
        np.arange(3), {"a": make_scores([0.25, np.nan, np.nan]), "b": make_scores([0.5, 0.5, np.nan])}
    )
    assert absence.total == pytest.approx([0.375, 0.5, np.nan], nan_ok=True)


@pytest.mark.parametrize(("negative", "enough"), [([0, 0.9, 0.9], True), ([0.9, 0.9, 0.9], False)])
def test_enough_is_left_where_k_items_keep_the_score_of_the_worst_candidate(negative, enough):
    scored = apply_negatives(make_scores([0.9, 0.8, 0.5]), {"a": make_scores(negative)})
    assert has_enough_left(scored, np.arange(3), np.array(["image"] * 3), 1) == enough


def test_what_is_excluded_must_be_words_and_is_named_not_in_json():
    query = Query.from_json({"text": "a", "not": ["b", "c"]}, {"exclude": ("d",)})
    assert query.exclude == ("b", "c") and query.to_json() == {"text": "a", "not": ["b", "c"]}
    assert Query.from_json({"not": "b"}, {}).exclude == ("b",)
    for wrong in ({"not": [5]}, {"not": " "}, {"exclude": "b", "reading": "x"}):
        with pytest.raises(AffectError):
            Query.from_json({"text": "a", **wrong}, {})

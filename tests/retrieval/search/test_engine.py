"""What is found, and the dials."""

import numpy as np
import pytest
from library_factory import DIM, encoded, hum, painted, random_rows
from media_factory import float_wav
from search_answers import ids, names, search

from encoders.base import AffectError
from fusion import Calibration
from retrieval.search import calibration
from retrieval.search.engine import Engine
from retrieval.search.query import Query


def scores(hits):
    return {hit.id: hit.score for hit in hits}


@pytest.mark.parametrize("name", ["photo0.png", "photo7.png", "photo19.png"])
def test_an_image_finds_itself(shelf, name):
    media, engine = shelf
    hits = engine.search(Query(image=media / name))
    assert names(hits)[0] == name and [hit.rank for hit in hits] == list(range(1, 11))
    assert hits[0].start is None and hits[0].space_scores == {
        **hits[0].space_scores,
        "activity": None,
        "audio": None,
    }


@pytest.mark.parametrize("name", ["low.wav", "hum1.wav", "high.wav"])
def test_a_sound_finds_itself(shelf, name):
    media, engine = shelf
    hits = engine.search(Query(audio=media / name))
    assert names(hits)[0] == name and (hits[0].start, hits[0].end) == (0, 1)
    assert {hit.modality for hit in hits} == {"audio", "video"}  # photos have no sound and are no answer
    assert hits[0].space_scores["object"] is None and hits[0].space_scores["audio"] > 0.5


@pytest.mark.parametrize("name", ["film.mp4", "flicker2.gif"])
def test_a_video_finds_itself(shelf, name):
    media, engine = shelf
    hits = engine.search(Query(video=media / name, modalities=("video",)))
    assert names(hits)[0] == name and hits[0].start == 0


def test_a_copy_elsewhere_and_in_another_format_is_found(shelf, tmp_path):
    _, engine = shelf
    painted(tmp_path / "other.webp", 7, lossless=True)
    assert names(engine.search(Query(image=tmp_path / "other.webp")))[0] == "photo7.png"


def test_an_item_is_no_answer_to_itself(shelf):
    media, engine = shelf
    hit = engine.search(Query(image=media / "photo3.png"))[0]
    hits = engine.search(Query(item=hit.id, k=100, balance=1))
    assert hit.id not in {found.id for found in hits} and len(hits) == 35  # all other pictures and videos
    assert engine.search(Query(item=hit.id[:6], k=100, balance=1)) == hits
    by_file = engine.search(Query(image=media / "photo3.png", k=100, balance=1))
    assert [h.id for h in by_file if h.id != hit.id] == [h.id for h in hits]
    assert {k: v for k, v in scores(by_file).items() if k != hit.id} == pytest.approx(scores(hits), abs=1e-3)


def test_words_abstain_where_no_space_reads_them(shelf):
    media, engine = shelf
    assert engine.search(Query(text="a red square")) == []
    together = engine.search(Query(text="a red square", image=media / "photo3.png"))
    assert together == engine.search(Query(image=media / "photo3.png"))


def test_silence_is_no_answer_and_no_query(empty, tmp_path):
    empty.commit([encoded("aa", sound=[[np.nan] * DIM], modality="audio")])
    empty.commit([encoded("bb", sound=random_rows(1, 1), modality="audio")])
    with Engine(empty) as engine:
        assert ids(engine.search(Query(item="00000000000000bb"))) == []
        float_wav(tmp_path / "silence.wav", np.zeros(16000))
        assert engine.search(Query(audio=tmp_path / "silence.wav")) == []
        hum(tmp_path / "hum.wav", 440)
        assert ids(engine.search(Query(audio=tmp_path / "hum.wav"))) == ["bb"]


def test_an_empty_library_answers_nothing(empty, tmp_path):
    assert search(empty, image=painted(tmp_path / "a.png", 1)) == []
    assert search(empty, text="words") == []


@pytest.mark.parametrize("k", [1, 3, 35, 36, 1000, 10**15])
def test_k(shelf, k):
    media, engine = shelf
    hits = engine.search(Query(image=media / "photo0.png", k=k, balance=1))
    everything = engine.search(Query(image=media / "photo0.png", k=100, balance=1))
    assert hits == everything[:k] and len(everything) == 36


@pytest.mark.parametrize("kinds", [("image",), ("video",), ("audio",), ("video", "image")])
def test_modalities(shelf, kinds):
    media, engine = shelf
    hits = engine.search(Query(video=media / "film.mp4", k=100, modalities=kinds))
    assert {hit.modality for hit in hits} == set(kinds)
    assert len(hits) == sum({"image": 30, "video": 6, "audio": 6}[kind] for kind in kinds)


def test_weights_are_shares_and_do_not_scale(shelf):
    media, engine = shelf
    once = engine.search(
        Query(video=media / "film.mp4", k=50, weights={"object": 1, "audio": 3, "activity": 1})
    )
    twice = engine.search(
        Query(video=media / "film.mp4", k=50, weights={"object": 2, "audio": 6, "activity": 9})
    )
    assert names(once) == names(twice) and scores(once) == pytest.approx(scores(twice))


def test_a_score_is_the_weighted_mean_of_the_spaces_that_spoke(shelf):
    media, engine = shelf
    weights = {"object": 1.0, "activity": 1.0, "audio": 3.0}
    hits = engine.search(Query(video=media / "film.mp4", k=50, weights=weights))
    assert {kind for hit in hits for kind, score in hit.space_scores.items() if score is not None} == {
        "object",
        "audio",
    }
    for hit in hits:
        said = {space: score for space, score in hit.space_scores.items() if score is not None}
        mean = sum(weights[s] * score for s, score in said.items()) / sum(weights[s] for s in said)
        # activity: not even the query speaks; a picture makes no sound, and a sound has no looks
        able = {"image": ["object"], "audio": ["audio"], "video": ["object", "audio"]}[hit.modality]
        covered = sum(weights[s] for s in said) / sum(weights[s] for s in able)
        assert hit.score == pytest.approx(mean * covered * 1.5 / (covered + 0.5), abs=2e-6)
    only = engine.search(
        Query(video=media / "film.mp4", k=50, weights={"object": 1, "activity": 1, "audio": 0})
    )
    assert all(hit.score == hit.space_scores["object"] for hit in only) and len(only) == 36


def test_a_query_that_speaks_only_in_a_space_of_no_weight_is_refused(shelf):
    media, engine = shelf
    with pytest.raises(AffectError, match="says something in: object"):
        engine.search(Query(image=media / "photo0.png", weights={"object": 0, "activity": 1, "audio": 1}))


def test_min_score(shelf):
    media, engine = shelf
    everything = engine.search(Query(image=media / "photo0.png", k=100, balance=1))
    least = everything[4].score
    some = engine.search(Query(image=media / "photo0.png", k=100, balance=1, min_score=least))
    assert some in (everything[:5], everything[:4])  # a score is shown rounded
    assert names(engine.search(Query(image=media / "photo0.png", min_score=1.0))) == ["photo0.png"]


def test_order_is_by_score_then_id_when_not_balanced(shelf):
    media, engine = shelf
    hits = engine.search(Query(video=media / "film.mp4", k=100, balance=1))
    assert hits == sorted(hits, key=lambda hit: -hit.score)
    photos = engine.search(Query(image=media / "photo0.png", k=100, balance=1, modalities=("image",)))
    assert [(h.score, h.id) for h in photos] == sorted(
        ((h.score, h.id) for h in photos), key=lambda p: (-p[0], p[1])
    )


def test_balance_brings_modalities_forward_and_keeps_the_order_in_each(shelf):
    media, engine = shelf
    plain = engine.search(Query(image=media / "photo0.png", k=100, balance=1))
    mixed = engine.search(Query(image=media / "photo0.png", k=100, balance=3))
    for kind in ("image", "video"):
        assert [h.id for h in plain if h.modality == kind] == [h.id for h in mixed if h.modality == kind]
    assert {hit.modality for hit in mixed[:4]} == {"image", "video"}


def test_equal_items_come_in_order_of_id(empty):
    row = random_rows(1, 1)
    empty.commit([encoded(name, row) for name in ("dd", "bb", "ee", "aa")])
    assert ids(search(empty, item="00000000000000dd")) == ["aa", "bb", "ee"]
    empty.commit([encoded("cc", np.tile(row, (2, 1)), modality="video")])
    assert ids(search(empty, item="00000000000000dd", balance=1)) == ["aa", "bb", "cc", "ee"]


def test_many_equal_rows_are_no_background(empty):
    empty.commit([encoded(f"{number:x}", np.ones((1, DIM))) for number in range(30)])
    assert len(search(empty, item="0000000000000001")) == 10


def test_scores_that_are_all_one_keep_the_order_of_nearness(empty, monkeypatch):
    """With a narrow background every good match has a score of 1; the nearest is still first."""
    monkeypatch.setattr(
        calibration, "fit_library_calibration", lambda *given: Calibration(mean=0.0, sd=0.001)
    )
    base, rng = np.ones(DIM), np.random.default_rng(0)
    empty.commit([encoded(f"{n:x}", [base + 0.3 * rng.standard_normal(DIM)]) for n in range(40)])
    with Engine(empty) as engine:
        hits = engine.search(Query(item="0000000000000007", k=5))
        view = engine.snapshot.views["object.looks"]
        cosines = view.compute_cosines(np.arange(40), view.select_rows(np.array([7])))[0]
    assert {hit.score for hit in hits} == {1.0}
    assert [hit.id for hit in hits] == [f"{n:0>16x}" for n in np.argsort(-cosines)[1:6]]


def test_a_video_answers_once_with_its_best_moment(empty):
    rows = random_rows(40, 1)
    empty.commit([encoded("aa", rows, modality="video"), encoded("bb", rows[17:18])])
    hit = search(empty, item="00000000000000bb")[0]
    assert ids([hit]) == ["aa"] and (hit.start, hit.end) == (17 * 15.0, 18 * 15.0)


def test_a_long_video_does_not_crowd_out_others(empty):
    """Thousands of segments nearer than anything else leave room for every other item."""
    near = random_rows(1, 1)
    jitter = 0.01 * random_rows(3000, 2)
    empty.commit([encoded("aa", near), encoded("bb", near + jitter, modality="video")])
    others = [encoded(f"c{n:02x}", random_rows(2, 10 + n), modality="video") for n in range(40)]
    empty.commit(others)
    hits = search(empty, item="00000000000000aa", k=100)
    assert len(hits) == 41 and ids(hits)[0] == "bb"

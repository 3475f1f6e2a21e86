import shutil
from contextlib import closing

import numpy as np
import pytest
from library_factory import (
    DIM,
    affect,
    content,
    encoded,
    flicker,
    gallery,
    hum,
    index,
    new_library,
    painted,
    random_rows,
)
from media_factory import float_wav

from encoders.base import AffectError, MediaError
from fusion import Calibration
from retrieval.features import batching
from retrieval.search import calibration, query_encoder
from retrieval.search.candidates import CandidateSearch
from retrieval.search.engine import Engine
from retrieval.search.index_files import find_index_problems, load_index_kind, rebuild_index
from retrieval.search.query import Query
from retrieval.storage.library import Library
from retrieval.storage.snapshot import load_snapshot
from retrieval.vector_index.registry import INDEX_KINDS

SPACES = {"object", "activity", "audio"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder of real media, its library and an engine over it."""
    folder = tmp_path_factory.mktemp("shelf")
    media = gallery(folder / "media", photos=30)
    for seed in range(4):
        flicker(media / f"flicker{seed}.gif", seed + 10)
        hum(media / f"hum{seed}.wav", 600 + 1000 * seed)
    index(folder / "lib", media)
    with closing(Library.open(folder / "lib")) as library, Engine(library) as engine:
        yield media, engine


@pytest.fixture
def empty(tmp_path):
    with closing(new_library(tmp_path / "lib")) as library, library.lock_for_writing():
        yield library


def search(library, **asked):
    with Engine(library) as engine:
        return engine.search(Query(**asked))


def scores(hits):
    return {hit.id: hit.score for hit in hits}


def names(hits):
    return [hit.path.rpartition("/")[2] for hit in hits]


def ids(hits):
    return [hit.id.lstrip("0") for hit in hits]


# -- what is found ----------------------------------------------------------------------------------------


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


# -- the dials --------------------------------------------------------------------------------------------


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


# -- videos -----------------------------------------------------------------------------------------------


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


# -- Annoy ------------------------------------------------------------------------------------------------


def answers(library):
    """Every item asked for its ten nearest, per modality."""
    with Engine(library) as engine:
        return {
            (item, kind): [(hit.id, hit.score) for hit in engine.search(Query(item=item, modalities=(kind,)))]
            for item in engine.snapshot.item_ids
            for kind in ("image", "video")
        }


def test_annoy_answers_as_exact_with_later_rows_and_deletions(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(60)])
    empty.commit([encoded(f"b{n:02x}", random_rows(5, 100 + n), modality="video") for n in range(20)])
    before = answers(empty)
    recall = rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 40})
    assert recall and min(recall.values()) > 0.95 and load_index_kind(empty).name == "annoy"
    assert answers(empty) == before
    empty.commit([encoded(f"d{n:02x}", random_rows(2, 200 + n), modality="video") for n in range(10)])
    empty.commit([encoded(f"e{n:02x}", random_rows(1, 300 + n)) for n in range(10)])
    gone = [path for number, path in enumerate(sorted(empty.catalog.load_files())) if number % 3 == 0]
    with empty.catalog.transaction():
        empty.catalog.remove_paths_and_orphans(gone)
    with_annoy = answers(empty)
    with Engine(empty) as engine:
        candidates = CandidateSearch(empty, engine.snapshot)
        search_of = candidates._get_view_search("object.looks", "video")
        assert search_of._stored_index is not None and search_of._mask.any()  # the file, and a tail
    assert len(with_annoy) == 2 * (100 - len(gone))
    rebuild_index(empty, INDEX_KINDS["exact"], {})
    assert answers(empty) == with_annoy


def test_a_damaged_or_missing_annoy_file_falls_back_to_exact(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    before = answers(empty)
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    for file in (empty.folder / "annoy").rglob("*.ann"):
        file.write_bytes(file.read_bytes()[:-3])
    assert answers(empty) == before
    assert len(find_index_problems(empty)) == len(list((empty.folder / "annoy").rglob("*.ann"))) > 0
    shutil.rmtree(empty.folder / "annoy")
    assert answers(empty) == before


def test_rebuild_keeps_annoy_up_to_date(empty):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    empty.commit([encoded(f"b{n:02x}", random_rows(1, 50 + n)) for n in range(30)])
    before, lib = answers(empty), empty.folder
    held = content(lib)
    with Engine(empty) as engine:
        engine.search(Query(item="0000000000000a00"))
        empty.rebuild()
        rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
        assert engine.snapshot.indexed_row_counts["object.looks"] == 60
    assert answers(empty) == before and content(lib) == held


def test_a_snapshot_goes_with_its_own_index_files(empty):
    """A rebuild between taking a state and opening its files must not mix the two."""
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    with empty.catalog.transaction():
        empty.catalog.remove_paths_and_orphans(
            [p for i, p in enumerate(sorted(empty.catalog.load_files())) if i % 2]
        )
    old = load_snapshot(empty)
    candidates = CandidateSearch(empty, old)
    empty.rebuild()
    rebuild_index(empty, INDEX_KINDS["annoy"], {"trees": 10})
    rows = old.views["object.looks"].select_rows(np.array([3]))
    assert 3 in candidates.find([{"object.looks": rows}], ("image",), 1)


# -- other writers ----------------------------------------------------------------------------------------


def test_an_engine_notices_what_others_and_itself_have_written(empty):
    empty.commit([encoded("aa", random_rows(1, 1)), encoded("bb", random_rows(1, 2))])
    with Engine(empty) as engine:
        assert ids(engine.search(Query(item="00000000000000aa"))) == ["bb"]
        empty.commit([encoded("cc", random_rows(1, 1))])
        assert ids(engine.search(Query(item="00000000000000aa")))[0] == "cc"
        with closing(Library.open(empty.folder)) as other:
            other.commit([encoded("dd", random_rows(1, 3))])
        assert len(engine.search(Query(item="00000000000000aa"))) == 3


def test_an_engine_notices_another_process(shelf, tmp_path):
    media = gallery(tmp_path / "media", photos=3)
    index(tmp_path / "lib", media)
    with closing(Library.open(tmp_path / "lib")) as library, Engine(library) as engine:
        asked = Query(image=painted(tmp_path / "new.png", 60), modalities=("image",))
        assert len(engine.search(asked)) == 3
        painted(media / "new.png", 60)
        assert affect("index", media, "--library", tmp_path / "lib").returncode == 0
        assert names(engine.search(asked))[0] == "new.png"
        assert affect("remove", media / "new.png", "--library", tmp_path / "lib").returncode == 0
        assert len(engine.search(asked)) == 3


def test_a_commit_in_the_middle_of_a_search_waits_for_the_next(empty, monkeypatch):
    empty.commit([encoded(f"a{n:02x}", random_rows(1, n)) for n in range(30)])
    with Engine(empty) as engine, closing(Library.open(empty.folder)) as other:
        wanted = engine.search(Query(item="0000000000000a05"))
        find = CandidateSearch.find

        def interrupted(self, *given):
            found = find(self, *given)
            with other.catalog.transaction():
                other.catalog.remove_paths_and_orphans(sorted(other.catalog.load_files())[:3])
            return found

        with monkeypatch.context() as patched:
            patched.setattr(CandidateSearch, "find", interrupted)
            assert engine.search(Query(item="0000000000000a05")) == wanted
        assert len(engine.snapshot.item_ids) == 27


# -- what can't be asked ----------------------------------------------------------------------------------


def test_media_that_cannot_be_asked_with(shelf, tmp_path):
    media, engine = shelf
    for asked, said in (
        ({"image": media / "film.mp4"}, "is a video; ask with --video"),
        ({"audio": media / "film.mp4"}, "is a video; ask with --video"),
        ({"video": media / "low.wav"}, "is sound; ask with --audio"),
        ({"image": tmp_path / "gone.png"}, "no such file"),
        ({"image": tmp_path}, "a directory"),
    ):
        with pytest.raises(MediaError, match=said):
            engine.search(Query(**asked))
    assert names(engine.search(Query(image=media / "photo1.png")))[0] == "photo1.png"  # and goes on


def test_a_long_query_is_read_in_batches_and_cut_with_a_word(tmp_path, monkeypatch, caplog):
    film = flicker(tmp_path / "long.gif", 3, frames=6, period=1000)
    whole = flicker(tmp_path / "whole.gif", 3, frames=4, period=1000)
    monkeypatch.setattr(query_encoder, "MAX_QUERY_SEGMENTS", 4)
    monkeypatch.setattr(batching, "BATCH_FRAMES", 3)
    with (
        closing(new_library(tmp_path / "lib", segment=1.0)) as library,
        closing(query_encoder.QueryEncoder(library)) as asker,
    ):
        taken = []
        watch = library.pipeline.encode_media
        monkeypatch.setattr(
            library.pipeline,
            "encode_media",
            lambda f, *more, **o: taken.append(len(f)) or watch(f, *more, **o),
        )
        asked = [
            asker.encode(Query(video=path), load_snapshot(library))[0].embeddings for path in (film, whole)
        ]
    assert taken == [3, 1, 3, 1]
    assert np.allclose(asked[0]["object.looks"], asked[1]["object.looks"], atol=1e-5)
    assert [record.getMessage() for record in caplog.records] == [
        f"{film}: long; only its first 4 segments are asked with"
    ]


def test_items_that_are_not_there(empty):
    empty.commit([encoded("aa", random_rows(1, 1)), encoded("ab", random_rows(1, 2))])
    for item, said in (
        ("ffff", "not in this library"),
        ("000", "not in"),
        ("0000", "more than one begins so"),
    ):
        with pytest.raises(AffectError, match=said):
            search(empty, item=item)


# -- with the real experts --------------------------------------------------------------------------------


def test_words_and_pictures_with_the_real_experts(tmp_path):
    """One small library of photos everyone has: words find them, and words beside a picture are one query."""
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    from retrieval.features.config import PipelineConfig

    media = tmp_path / "media"
    media.mkdir()
    for name in ("chelsea", "coffee", "rocket", "astronaut"):
        Image.fromarray(getattr(data, name)()).save(media / f"{name}.png")
    Library.create(tmp_path / "lib", PipelineConfig(tone="", faces=""), 15.0).close()
    assert index(tmp_path / "lib", media).indexed == 4
    with closing(Library.open(tmp_path / "lib")) as library, Engine(library) as engine:
        for words, name in (
            ("a cat", "chelsea"),
            ("a cup of coffee", "coffee"),
            ("a rocket launch", "rocket"),
        ):
            hits = engine.search(Query(text=words))
            assert names(hits)[0] == f"{name}.png"
            assert set(hits[0].space_scores) == SPACES and hits[0].space_scores["audio"] is None
        both = Query(text="a cup of coffee", image=media / "chelsea.png")
        assert set(names(engine.search(both))[:2]) == {"coffee.png", "chelsea.png"}
        assert list(engine.search(both)[0].view_scores) == ["object.looks", "object.words"]

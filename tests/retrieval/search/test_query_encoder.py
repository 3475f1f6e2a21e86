"""Queries of media, items and words."""

from contextlib import closing

import numpy as np
import pytest
from library_factory import encoded, flicker, index, new_library, random_rows
from search_answers import names, search

from encoders.base import AffectError, MediaError
from retrieval.features import batching
from retrieval.search import query_encoder
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.library import Library
from retrieval.storage.snapshot_loading import load_snapshot

SPACES = {"object", "activity", "audio"}


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
        ("0000", "more than one begins so"),
        ("000", "give 4 characters"),
    ):
        with pytest.raises(AffectError, match=said):
            search(empty, item=item)


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

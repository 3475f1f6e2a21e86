"""Benchmarks of content ask their words for what is to be seen or heard, words of mood among them."""

from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments import bench
from experiments.benchmarks import word_scores
from experiments.benchmarks.labelled_gallery import GalleryItem

WORD = "surprise"
ITEM = GalleryItem(
    path=Path("photo.jpg"), modality="image", source="photos", label=WORD, bags=(frozenset({WORD}),)
)


class AskedError(Exception):
    """Holds the first query, and ends the benchmark."""


class AskedEngine:
    def search(self, query):
        raise AskedError(query)

    run_query = search


@contextmanager
def open_nothing(*_):
    yield AskedEngine()


@contextmanager
def keep_originals(paths):
    yield {path: path for path in paths}


@pytest.mark.parametrize(
    "name", ["mixed", "sounds", "reliability", "fusion", "thresholds", "balance", "diversity"]
)
def test_a_word_of_mood_is_asked_for_as_content(name, monkeypatch):
    module = import_module(f"experiments.benchmarks.{bench.BENCHMARKS[name]}")
    for place in (module, word_scores):
        for loader in ("load_mixed_gallery", "load_untrained_gallery", "list_sounds"):
            monkeypatch.setattr(place, loader, lambda _: [ITEM], raising=False)
        monkeypatch.setattr(place, "open_gallery", open_nothing, raising=False)
    monkeypatch.setattr(module, "make_near_duplicates", keep_originals, raising=False)
    asked = CliRunner().invoke(bench.main, [name]).exception
    assert isinstance(asked, AskedError), asked
    (query,) = asked.args
    assert WORD in query.text and query.affect == 0 and query.affect_weight == 0

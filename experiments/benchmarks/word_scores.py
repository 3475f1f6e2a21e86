"""Scores of words with every item of a gallery, by space: the data of fusion rules and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError
from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import (
    GalleryItem,
    list_mixed_queries,
    load_mixed_gallery,
    load_untrained_gallery,
    open_gallery,
)
from experiments.datasets import DATA_ROOT
from experiments.heads.audio_text.prompts import add_article
from retrieval.features import SPACES, PipelineConfig
from retrieval.search import Engine
from retrieval.storage import Library

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
GALLERIES = ("mixed", "untrained")


@dataclass(frozen=True, kw_only=True, eq=False)
class WordScores:
    """One word with n items.

    total:    (n,) the engine's scores, NaN where it says nothing of an item
    spaces:   (n,) by space, NaN where it abstains
    weights:  of the spaces in which the word does not abstain
    is_match: (n,) whether the item is right for the word
    """

    word: str
    total: Floats
    spaces: Mapping[str, Floats]
    weights: Mapping[str, float]
    is_match: Mask


def score_words(engine: Engine, items: Sequence[GalleryItem], words: Sequence[str]) -> list[WordScores]:
    """Scores of each word, with its article, with every item; an item's are those of its best segment."""
    position_by_path = {str(item.path.absolute()): at for at, item in enumerate(items)}
    return [_score_word(engine, items, word, position_by_path) for word in words]


def _score_word(
    engine: Engine, items: Sequence[GalleryItem], word: str, position_by_path: Mapping[str, int]
) -> WordScores:
    total = np.full(len(items), np.nan)
    spaces = {space: np.full(len(items), np.nan) for space in SPACES}
    weights: Mapping[str, float] = {}
    for hit in engine.search(make_content_query(add_article(word), k=len(items), balance=1)):
        at = position_by_path[hit.path]
        total[at], weights = hit.score, hit.space_weights
        for space, score in hit.space_scores.items():
            spaces[space][at] = np.nan if score is None else score
    is_match = np.array([item.matches(word) for item in items])
    return WordScores(word=word, total=total, spaces=spaces, weights=weights, is_match=is_match)


def load_gallery(data_root: Path, name: str) -> tuple[list[GalleryItem], list[str]]:
    """Items of one of GALLERIES, and the words that have a right answer. Raises AffectError without any."""
    items = load_mixed_gallery(data_root) if name == "mixed" else load_untrained_gallery(data_root)
    labels = sorted({item.label for item in items if item.label})
    words = list_mixed_queries(items) if name == "mixed" else labels
    if not words:
        raise AffectError(f"{data_root}: no set of the {name} gallery is there")
    return items, words


@contextmanager
def open_gallery_library(
    items: Sequence[GalleryItem], encoders: str, library: Path | None
) -> Iterator[Engine]:
    """An engine over a library that holds the items already, or over one made for the while."""
    if library is None:
        with open_gallery([item.path for item in items], PipelineConfig.parse(encoders)) as engine:
            yield engine
        return
    with closing(Library.open(library)) as opened, Engine(opened) as engine:
        known = {str(path) for path in opened.catalog.load_files()}
        if missing := sum(str(item.path.absolute()) not in known for item in items):
            raise AffectError(f"{library}: {missing} of the gallery's {len(items)} items are not in it")
        yield engine


data_option = click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
encoders_option = click.option("--encoders", default="", help="Other experts, as for affect index.")
_gallery_option = click.option(
    "--gallery", type=click.Choice(GALLERIES), default="mixed", show_default=True,
    help="Photos, sounds, videos and music; or only items no head for words was trained on.",
)  # fmt: skip
library_option = click.option(
    "--library", type=click.Path(path_type=Path), help="A library that holds the gallery already."
)


def add_gallery_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of which gallery it measures, by which encoders."""
    for option in reversed((data_option, _gallery_option, library_option, encoders_option)):
        command = option(command)
    return command

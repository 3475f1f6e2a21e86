"""False answers: how often something scores high for words that nothing in the gallery is right for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import GalleryItem
from experiments.benchmarks.word_scores import (
    WordScores,
    add_gallery_options,
    load_gallery,
    open_gallery_library,
    score_words,
)
from experiments.heads.audio_text.prompts import add_article
from experiments.statistics.report import BenchmarkReport, Cell, json_option, print_report
from retrieval.evaluation import Estimate, estimate_percentage
from retrieval.search import Engine
from retrieval.storage import MODALITIES

Floats = npt.NDArray[np.float64]
LEAST_SCORES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
ABSENT_WORDS = (
    "accordion", "anchor", "avocado", "ballet", "banjo", "bonsai", "bulldozer", "cactus", "camel",
    "cathedral", "chess", "compass", "coral reef", "dentist", "dinosaur", "escalator", "glacier", "harp",
    "hedgehog", "hot air balloon", "igloo", "jellyfish", "kangaroo", "lighthouse", "microscope", "mosque",
    "octopus", "origami", "pancake", "penguin", "pineapple", "pyramid", "sewing machine", "snorkel",
    "submarine", "sumo wrestler", "telescope", "totem pole", "volcano", "windmill", "xylophone", "zebra",
)  # fmt: skip
"""Things that these galleries are not known to have; those that an item mentions are left out."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BestScores:
    """The best score of each query, NaN where nothing is scored.

    taken_out: (words,) by modality and "all": of the gallery without the items a word may be right for
    absent:    (m,) of words that no item mentions
    denied:    (words,) of a word that is asked for and denied at once
    answered:  (words,) of all items, for words that have a right one
    right:     (pairs,) scores of right items, NaN where one has none; `words` (pairs,) their words
    """

    taken_out: Mapping[str, Floats]
    absent: Floats
    denied: Floats
    answered: Floats
    right: Floats
    words: npt.NDArray[np.int64]


@click.command("thresholds", short_help="What is shown for words that have no answer.")
@add_gallery_options
@json_option
def command(data: Path, gallery: str, library: Path | None, encoders: str, as_json: bool) -> None:
    """The rate of false answers and the share of right ones lost, by --min-score.

    A word has no answer in the gallery without the items that it may be right for, by anyone's caption.
    Other words for the same things (a man, a person) are not taken out: the rate is an upper bound.
    """
    items, words = load_gallery(data, gallery)
    absent = [word for word in ABSENT_WORDS if not any(item.may_match(word) for item in items)]
    with open_gallery_library(items, encoders, library) as engine:
        best = find_best_scores(
            items,
            score_words(engine, items, words),
            score_words(engine, items, absent),
            np.array([_ask_denied(engine, word) for word in words]),
        )
    settings = {"gallery": gallery, "items": len(items), "words": len(words), "absent words": len(absent)}
    print_report(make_report(best, settings), as_json=as_json)


def _ask_denied(engine: Engine, word: str) -> float:
    hits = engine.search(make_content_query(add_article(word), exclude=(word,), k=1, balance=1))
    return hits[0].score if hits else float("nan")


def find_best_scores(
    items: Sequence[GalleryItem], words: Sequence[WordScores], absent: Sequence[WordScores], denied: Floats
) -> BestScores:
    """Of words with their right items taken out, of absent words, and of right items."""
    modalities = np.array([item.modality for item in items])
    others = [np.array([not item.may_match(one.word) for item in items]) for one in words]
    masks = {"all": np.ones(len(items), bool), **{name: modalities == name for name in MODALITIES}}
    right = [one.total[one.is_match] for one in words]
    return BestScores(
        taken_out={
            name: np.array(
                [_find_best(one.total[out & mask]) for one, out in zip(words, others, strict=True)]
            )
            for name, mask in masks.items()
        },
        absent=np.array([_find_best(one.total) for one in absent]),
        denied=denied,
        answered=np.array([_find_best(one.total) for one in words]),
        right=np.concatenate(right),
        words=np.repeat(np.arange(len(words)), [len(part) for part in right]),
    )


def _find_best(scores: Floats) -> float:
    known = scores[~np.isnan(scores)]
    return float(known.max()) if len(known) else float("nan")


def make_report(best: BestScores, settings: Mapping[str, object]) -> BenchmarkReport:
    """A row for each least score."""
    rows: list[dict[str, Cell]] = []
    for least in LEAST_SCORES:
        estimate_shown = _make_share_estimator(least)
        is_lost = ~(best.right >= least)
        rows.append({
            "least score": f"{least:g}",
            **{f"false, {name}": estimate_shown(scores) for name, scores in best.taken_out.items()},
            "false, absent words": estimate_shown(best.absent),
            "false, denied": estimate_shown(best.denied),
            "right lost": estimate_percentage(is_lost, best.words),
            "nothing shown though there is an answer": estimate_percentage(~(best.answered >= least)),
        })  # fmt: skip
    return BenchmarkReport(
        benchmark="thresholds",
        settings=settings,
        rows=rows,
        notes=[
            "percent with 95 % score intervals: of words without an answer, those for which anything scores "
            "as much, among all items or those of a modality; of pairs that match, those that score less",
            "denied: a word asked for and excluded at once",
        ],
    )


def _make_share_estimator(least: float) -> Callable[[Floats], Estimate | None]:
    """The share of best scores that are at least so much, in percent; None without any query."""

    def estimate(scores: Floats) -> Estimate | None:
        return estimate_percentage(scores >= least) if len(scores) else None

    return estimate

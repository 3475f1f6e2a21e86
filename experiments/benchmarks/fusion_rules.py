"""The rules of fusion on the same queries: weighted mean, reciprocal ranks, learned weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import GalleryItem
from experiments.benchmarks.mixed_gallery import DEPTH, score_hits
from experiments.benchmarks.word_scores import (
    add_gallery_options,
    load_gallery,
    open_gallery_library,
    score_words,
)
from experiments.fusion_weights import fit_by_word_folds
from experiments.heads.audio_text.prompts import add_article
from experiments.statistics.report import BenchmarkReport, Cell, add_seed_option, json_option, print_report
from experiments.word_folds import FOLD_COUNT
from fusion import LogisticWeights
from retrieval.evaluation import (
    Estimate,
    bootstrap_estimate,
    compare_paired,
    compute_expected_average_precisions,
)
from retrieval.search import DEFAULT_FUSION, FUSION_RULES, Engine, make_learned_rule


@dataclass(frozen=True, kw_only=True)
class RuleScores:
    """One word by one rule: precision of the first DEPTH of the merged list, the share of modalities with a
    right answer that are among them, and average precision of all items by score alone."""

    precision: float
    modalities_shown: float
    average_precision: float


@click.command("fusion", short_help="Weighted mean, reciprocal ranks and learned weights compared.")
@add_gallery_options
@add_seed_option
@json_option
def command(data: Path, gallery: str, library: Path | None, encoders: str, seed: int, as_json: bool) -> None:
    """The rules of `affect search --fusion` on the same words and items, with paired intervals.

    Learned weights are fitted on the words of four folds and asked the fifth; words that share a part are in
    one fold.
    """
    items, words = load_gallery(data, gallery)
    with open_gallery_library(items, encoders, library) as engine:
        scores = {
            rule: {word: _ask(engine_of_word, items, word, rule) for engine_of_word, word in engines}
            for rule, engines in _list_engines(engine, items, words, seed)
        }
    settings = {"gallery": gallery, "items": len(items), "words": len(words), "folds": FOLD_COUNT}
    print_report(make_report(scores, words, {**settings, "seed": seed}), as_json=as_json)


def _list_engines(
    engine: Engine, items: Sequence[GalleryItem], words: Sequence[str], seed: int
) -> Iterator[tuple[str, Iterator[tuple[Engine, str]]]]:
    """By rule, the engine to ask each word of: for learned weights, one whose weights did not see it."""
    for rule in FUSION_RULES:
        if rule != "learned":
            yield rule, ((engine, word) for word in words)
    yield "learned", _list_cross_validated(engine, items, words, seed)


def _list_cross_validated(
    engine: Engine, items: Sequence[GalleryItem], words: Sequence[str], seed: int
) -> Iterator[tuple[Engine, str]]:
    scored = score_words(engine, items, words)
    for fold, weights in fit_by_word_folds(scored, seed):
        rules = {**FUSION_RULES, "learned": make_learned_rule(_return(weights))}
        with Engine(engine.library, rules) as fitted:
            yield from ((fitted, words[at]) for at in fold)


def _return(weights: LogisticWeights) -> Callable[[], LogisticWeights]:
    return lambda: weights


def _ask(engine: Engine, items: Sequence[GalleryItem], word: str, rule: str) -> RuleScores:
    item_by_path = {str(item.path.absolute()): item for item in items}
    query = make_content_query(add_article(word), k=DEPTH, fusion=rule)
    result = score_hits(engine.search(query), item_by_path, word)
    everything = engine.search(replace(query, k=len(items), balance=1))
    score_by_path = {hit.path: hit.score for hit in everything}
    return RuleScores(
        precision=result.precision,
        modalities_shown=sum(result.modalities.values()) / len(result.modalities),
        average_precision=float(
            compute_expected_average_precisions(
                np.array([[score_by_path.get(path, -1.0) for path in item_by_path]]),
                np.array([[item.matches(word) for item in item_by_path.values()]]),
            )[0]
        ),
    )


def make_report(
    scores: Mapping[str, Mapping[str, RuleScores]], words: Sequence[str], settings: Mapping[str, object]
) -> BenchmarkReport:
    """A row a rule, and a row of its differences to the default."""
    measures: Mapping[str, Callable[[RuleScores], float]] = {
        "P@5": lambda one: one.precision,
        "modalities shown": lambda one: one.modalities_shown,
        "average precision": lambda one: one.average_precision,
    }
    seed = int(str(settings["seed"]))
    rows: list[dict[str, Cell]] = []
    for rule, by_word in scores.items():
        values = {name: [measure(by_word[word]) for word in words] for name, measure in measures.items()}
        rows.append(
            {"rule": rule, **{name: bootstrap_estimate(row, seed=seed) for name, row in values.items()}}
        )
        if rule != DEFAULT_FUSION:
            default = {
                name: [measure(scores[DEFAULT_FUSION][word]) for word in words]
                for name, measure in measures.items()
            }
            gaps: dict[str, Estimate] = {
                name: compare_paired(row, default[name], seed=seed) for name, row in values.items()
            }
            rows.append({"rule": f"{rule} less {DEFAULT_FUSION}", **gaps})
    return BenchmarkReport(
        benchmark="fusion",
        settings=settings,
        rows=rows,
        notes=[
            "P@5 and modalities shown: of the first five, merged over modalities; "
            "average precision: by score alone, ties at random",
            "95 % intervals over words, of the differences over pairs",
        ],
    )

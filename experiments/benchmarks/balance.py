"""Exposure of modalities and what it costs in relevance, by the factor of the balanced merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from experiments.benchmarks.content_query import make_content_query
from experiments.benchmarks.labelled_gallery import GalleryItem
from experiments.benchmarks.word_scores import (
    add_gallery_options,
    load_gallery,
    open_gallery_library,
)
from experiments.heads.audio_text.prompts import add_article
from experiments.statistics.report import BenchmarkReport, Cell, add_seed_option, json_option, print_report
from retrieval.evaluation import bootstrap_estimate, compare_paired
from retrieval.search import DEFAULT_BALANCE, Engine
from retrieval.storage import MODALITIES

Balance = float | dict[str, float]
BALANCES: Sequence[Balance] = (
    1.0,
    1.02,
    DEFAULT_BALANCE,
    1.1,
    1.5,
    10.0,
    dict.fromkeys(MODALITIES, 0.1),
    dict.fromkeys(MODALITIES, 0.2),
    dict.fromkeys(MODALITIES, 0.25),
)


@dataclass(frozen=True, kw_only=True)
class BalancedList:
    """The first k results of one word.

    ndcg:     of right ones, against all right items first (Jarvelin & Kekalainen 2002)
    exposure: share of each modality, by `fusion.exposure`
    factor:   c of the merge
    is_met:   whether every modality has its wanted share; true where none is wanted
    """

    ndcg: float
    exposure: Mapping[str, float]
    factor: float
    is_met: bool


@click.command("balance", short_help="Exposure of modalities against relevance.")
@click.option("-k", type=click.IntRange(1), default=10, show_default=True)
@add_gallery_options
@add_seed_option
@json_option
def command(
    k: int, data: Path, gallery: str, library: Path | None, encoders: str, seed: int, as_json: bool
) -> None:
    """Shares of the exposure and nDCG of the first k, for factors and for wanted shares of each modality."""
    items, words = load_gallery(data, gallery)
    with open_gallery_library(items, encoders, library) as engine:
        lists = [[_ask(engine, items, word, balance, k) for word in words] for balance in BALANCES]
    settings = {"gallery": gallery, "items": len(items), "words": len(words), "k": k, "seed": seed}
    print_report(make_report(lists, settings, seed), as_json=as_json)


def _ask(engine: Engine, items: Sequence[GalleryItem], word: str, balance: Balance, k: int) -> BalancedList:
    item_by_path = {str(item.path.absolute()): item for item in items}
    results = engine.run_query(make_content_query(add_article(word), k=k, balance=balance))
    right = [item_by_path[hit.path].matches(word) for hit in results.hits]
    wanted = balance if isinstance(balance, dict) else {}
    return BalancedList(
        ndcg=compute_ndcg(right, sum(item.matches(word) for item in item_by_path.values()), k),
        exposure=results.exposure,
        factor=results.balance,
        is_met=all(results.exposure.get(name, 0.0) >= share - 1e-4 for name, share in wanted.items()),
    )


def format_balance(balance: Balance) -> str:
    """A factor, or the share that each modality is to have."""
    return f"{balance['image']:g} each" if isinstance(balance, dict) else f"{balance:g}"


def compute_ndcg(right: Sequence[bool], right_count: int, k: int) -> float:
    """nDCG of the first k results, of `right_count` right items with gain 1 each."""
    discounts = 1 / np.log2(2 + np.arange(k))
    return float(discounts[: len(right)] @ np.asarray(right[:k], float) / discounts[:right_count].sum())


def make_report(
    lists: Sequence[Sequence[BalancedList]], settings: Mapping[str, object], seed: int
) -> BenchmarkReport:
    """A row for each balance; the loss is against the first, by score alone."""
    by_score = [one.ndcg for one in lists[0]]
    rows: list[dict[str, Cell]] = []
    for balance, words in zip(BALANCES, lists, strict=True):
        ndcg = [one.ndcg for one in words]
        exposures = {name: [one.exposure.get(name, 0.0) for one in words] for name in MODALITIES}
        rows.append({
            "balance": format_balance(balance),
            "median c": float(np.median([one.factor for one in words])),
            **{f"{name} share": bootstrap_estimate(row, seed=seed) for name, row in exposures.items()},
            "met": 100 * float(np.mean([one.is_met for one in words])),
            "nDCG": bootstrap_estimate(ndcg, seed=seed),
            "less by score": None if words is lists[0] else compare_paired(ndcg, by_score, seed=seed),
        })  # fmt: skip
    return BenchmarkReport(
        benchmark="balance",
        settings=settings,
        rows=rows,
        notes=[
            "share: of the exposure 1 / log2(1 + rank) of the first k, mean over words, with 95 % intervals",
            "met: percent of words for which every modality has the share; a balance gives turns at most",
        ],
    )

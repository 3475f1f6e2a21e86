"""Metrics of a row over seeds and queries, with intervals over queries.

Intervals are of the mean over these trained networks: other queries might have been asked. Queries are
resampled, and their variance estimated, by whole items: an item's captions and the item itself as a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.ablation.row_ranks import METRIC_NAMES, RECALL_NAMES, Floats, Ints, RowRanks, SeedRanks
from retrieval.evaluation import Estimate, Evaluation, compute_proportion_interval, compute_sum_interval
from retrieval.evaluation.rank_metrics import MedianRule
from retrieval.evaluation.rules import RECALL_DEPTHS

RESAMPLES = 2000
CONFIDENCE_LEVEL = 0.95
CHUNK_SIZE = 1 << 22  # numbers held at a time by the bootstrap of medians


@dataclass(frozen=True, kw_only=True)
class MetricEstimate(Estimate):
    """A metric's mean over seeds with its 95 % interval, and the standard deviation over seeds.

    sd: None for a single seed
    """

    sd: float | None

    def to_json(self) -> dict[str, float | None]:
        """As written to results.json."""
        return {"mean": self.value, "sd": self.sd, "low": self.low, "high": self.high}


def estimate_metrics(
    row: RowRanks, evaluations: Sequence[Evaluation], bootstrap_weights: Floats
) -> dict[str, MetricEstimate]:
    """Every metric; `bootstrap_weights` (draws, items) count how often each draw takes each item."""
    metrics_by_seed = [evaluation.compute_metrics() for evaluation in evaluations]
    intervals = {**_compute_recall_intervals(row), **_compute_rank_intervals(row, bootstrap_weights)}
    estimates = {}
    for name in METRIC_NAMES:
        values = np.array([metrics[name] for metrics in metrics_by_seed])
        sd = float(values.std(ddof=1)) if len(values) > 1 else None
        low, high = intervals[name]
        estimates[name] = MetricEstimate(value=float(values.mean()), low=low, high=high, sd=sd)
    return estimates


def _compute_recall_intervals(row: RowRanks) -> dict[str, tuple[float, float]]:
    """Of the recalls and rsum: the entries of all seeds, those of an item in one group."""
    hits, groups = [], []
    for direction in row.directions.values():
        items = np.concatenate([seed.items for seed in direction.seeds])
        for k in RECALL_DEPTHS:
            hits.append(np.concatenate([seed.hits[k] for seed in direction.seeds]))
            groups.append(items)
    limits = [compute_proportion_interval(*part, CONFIDENCE_LEVEL) for part in zip(hits, groups, strict=True)]
    limits.append(compute_sum_interval(hits, groups, CONFIDENCE_LEVEL))
    names = (*RECALL_NAMES, "rsum")
    return {name: (100 * low, 100 * high) for name, (low, high) in zip(names, limits, strict=True)}


def _compute_rank_intervals(row: RowRanks, bootstrap_weights: Floats) -> dict[str, tuple[float, float]]:
    """Of the mean and median ranks: percentiles of bootstrap draws, seeds averaged within a draw."""
    intervals = {}
    for side, direction in row.directions.items():
        means = [_bootstrap_mean_ranks(seed, bootstrap_weights) for seed in direction.seeds]
        medians = [
            bootstrap_median_ranks(seed.ranks, seed.items, bootstrap_weights, direction.median)
            for seed in direction.seeds
        ]
        for name, draws in (("MnR", means), ("MdR", medians)):
            quantiles = [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2]
            low, high = np.quantile(np.mean(draws, axis=0), quantiles)
            intervals[f"{side} {name}"] = (float(low), float(high))
    return intervals


def _bootstrap_mean_ranks(seed: SeedRanks, bootstrap_weights: Floats) -> Floats:
    """(draws,) mean rank, each entry weighted as its item."""
    item_count = bootstrap_weights.shape[1]
    sums = bootstrap_weights @ np.bincount(seed.items, seed.ranks + 1, item_count)
    return np.asarray(sums / (bootstrap_weights @ np.bincount(seed.items, minlength=item_count)))


def bootstrap_median_ranks(
    ranks: Floats, items: Ints, bootstrap_weights: Floats, rule: MedianRule = "floor"
) -> Floats:
    """(draws,) `median_rank` of ranks (e,), each entry weighted as its item (e,)."""
    order = np.argsort(ranks)
    sorted_ranks, sorted_items = ranks[order], items[order]
    medians = []
    step = max(1, CHUNK_SIZE // len(ranks))
    for start in range(0, len(bootstrap_weights), step):
        cumulative = np.cumsum(bootstrap_weights[start : start + step][:, sorted_items], axis=1)  # (step, q)
        count = cumulative[:, -1:]
        lower = (cumulative > (count - 1) // 2).argmax(1)
        upper = (cumulative > count // 2).argmax(1)
        medians.append((sorted_ranks[lower] + sorted_ranks[upper]) / 2)
    middle = np.concatenate(medians)
    return np.asarray((np.floor(middle) if rule == "floor" else middle) + 1)


def draw_bootstrap_weights(item_count: int, seed: int, draw_count: int = RESAMPLES) -> Floats:
    """(draws, items) counts of a bootstrap over items."""
    rng = np.random.default_rng(seed)
    shares = np.full(item_count, 1 / item_count)
    return rng.multinomial(item_count, shares, size=draw_count).astype(np.float64)

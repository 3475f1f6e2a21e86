"""Metrics of a row over seeds and queries, with intervals over queries.

Intervals are of the mean over these trained networks: other queries might have been asked. Queries are
resampled, and their variance estimated, by whole items: an item's captions and the item itself as a query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.ablation.row_ranks import (
    METRIC_NAMES,
    RECALL_DEPTHS,
    RECALL_NAMES,
    DirectionRanks,
    Floats,
    Ints,
    RowRanks,
)
from retrieval.evaluation import Estimate, Evaluation, estimate_percentage

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
    intervals = {**_estimate_recalls(row), **_estimate_rank_means(row, bootstrap_weights)}
    intervals["rsum"] = estimate_sum(
        [intervals[name] for name in RECALL_NAMES],
        np.stack([row.recall_values[name].mean(axis=0) for name in RECALL_NAMES]),
    )
    estimates = {}
    for name in METRIC_NAMES:
        values = np.array([metrics[name] for metrics in metrics_by_seed])
        sd = float(values.std(ddof=1)) if len(values) > 1 else None
        interval = intervals[name]
        estimates[name] = MetricEstimate(
            value=float(values.mean()), low=interval.low, high=interval.high, sd=sd
        )
    return estimates


def estimate_sum(parts: Sequence[Estimate], values: Floats) -> Estimate:
    """The sum of m estimates with its interval, by their intervals and correlations.

    The distances of the parts' limits from their values are added as correlated standard deviations are
    (Zou and Donner 2008), so that the interval has a width where all parts are 0 or 100.

    values: (m, items) whose means over items are the parts. The correlation of parts of which one does not
    vary is unknown and taken as 1, the widest
    """
    total = sum(part.value for part in parts)
    correlations = np.ones((len(values), len(values)))
    varying = np.flatnonzero(values.std(axis=1) > 1e-9)
    if len(varying) > 1:
        correlations[np.ix_(varying, varying)] = np.corrcoef(values[varying])
    limits = np.array([(part.low, part.high) for part in parts], np.float64)
    below, above = np.abs(limits.T - [part.value for part in parts])
    low, high = (np.sqrt(max(0.0, float(side @ correlations @ side))) for side in (below, above))
    return Estimate(total, max(0.0, total - low), min(100.0 * len(parts), total + high))


def _estimate_recalls(row: RowRanks) -> dict[str, Estimate]:
    return {
        f"{side} R@{k}": estimate_percentage(
            direction.hits[k].mean(axis=0), direction.query_items, CONFIDENCE_LEVEL
        )
        for side, direction in row.directions.items()
        for k in RECALL_DEPTHS
    }


def _estimate_rank_means(row: RowRanks, bootstrap_weights: Floats) -> dict[str, Estimate]:
    """Mean and median ranks with percentile intervals."""
    estimates = {}
    for side, direction in row.directions.items():
        medians = [
            bootstrap_median_ranks(ranks, direction.query_items, bootstrap_weights)
            for ranks in direction.ranks
        ]
        for name, draws in (
            ("MnR", _bootstrap_mean_rank(direction, bootstrap_weights)),
            ("MdR", np.mean(medians, axis=0)),
        ):
            low, high = np.quantile(draws, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
            estimates[f"{side} {name}"] = Estimate(float(draws.mean()), float(low), float(high))
    return estimates


def _bootstrap_mean_rank(direction: DirectionRanks, bootstrap_weights: Floats) -> Floats:
    """(draws,) mean rank, seeds averaged."""
    sums = direction.sum_by_item(direction.ranks + 1).mean(axis=0)
    return np.asarray(bootstrap_weights @ sums / (bootstrap_weights @ direction.queries_per_item))


def bootstrap_median_ranks(ranks: Floats, query_items: Ints, bootstrap_weights: Floats) -> Floats:
    """(draws,) floor(median) + 1 of ranks (q,), each query weighted as its item."""
    order = np.argsort(ranks)
    sorted_ranks, sorted_items = ranks[order], query_items[order]
    medians = []
    step = max(1, CHUNK_SIZE // len(ranks))
    for start in range(0, len(bootstrap_weights), step):
        cumulative = np.cumsum(bootstrap_weights[start : start + step][:, sorted_items], axis=1)  # (step, q)
        count = cumulative[:, -1:]
        lower = (cumulative > (count - 1) // 2).argmax(1)
        upper = (cumulative > count // 2).argmax(1)
        medians.append(np.floor((sorted_ranks[lower] + sorted_ranks[upper]) / 2) + 1)
    return np.concatenate(medians)


def draw_bootstrap_weights(item_count: int, seed: int, draw_count: int = RESAMPLES) -> Floats:
    """(draws, items) counts of a bootstrap over items."""
    rng = np.random.default_rng(seed)
    shares = np.full(item_count, 1 / item_count)
    return rng.multinomial(item_count, shares, size=draw_count).astype(np.float64)

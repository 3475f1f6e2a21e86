"""Metrics of a row over seeds and queries, and its difference from another row over the same queries.

Seeds are averaged within each bootstrap draw. A draw takes whole items: an item's captions and the item
itself as a query together. All rows share one set of draws, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import DirectionResult, Estimate, Evaluation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RECALL_DEPTHS = (1, 5, 10)
DIRECTION_TITLES = {"T2V": "Words find items (T2V)", "V2T": "Items find words (V2T)"}
DIRECTIONS = tuple(DIRECTION_TITLES)
RECALL_NAMES = tuple(f"{side} R@{k}" for side in DIRECTIONS for k in RECALL_DEPTHS)
METRIC_NAMES = (*RECALL_NAMES[:3], "T2V MdR", "T2V MnR", *RECALL_NAMES[3:], "V2T MdR", "V2T MnR", "rsum")
RESAMPLES = 2000
CONFIDENCE_LEVEL = 0.95
SIGNIFICANCE_LEVEL = 0.05  # p after Holm below which two rows differ
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


@dataclass(frozen=True, kw_only=True)
class RsumDifference(Estimate):
    """rsum less that of the row `against`: 95 % interval, p of a permutation test, and p after Holm."""

    against: str
    p: float
    holm: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            "against": self.against, "value": self.value, "low": self.low, "high": self.high,
            "p": self.p, "holm": self.holm, "words": self.words,
        }  # fmt: skip

    @property
    def words(self) -> str:
        """Whether the rows differ significantly, and which is better."""
        if self.holm >= SIGNIFICANCE_LEVEL:
            return f"no difference shown from {self.against}"
        return f"{'better' if self.value > 0 else 'worse'} than {self.against}"


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionRanks:
    """One direction of a row: 0-based ranks (seeds, q), and the number of each query's item (q,)."""

    ranks: Floats
    query_items: Ints
    item_count: int

    @classmethod
    def from_directions(cls, directions: Sequence[DirectionResult]) -> DirectionRanks:
        """From the same direction under several seeds."""
        items = np.unique(np.asarray(directions[0].groups), return_inverse=True)[1]
        ranks = np.stack([direction.ranks for direction in directions])
        return cls(ranks=ranks, query_items=items, item_count=int(items.max()) + 1)

    @cached_property
    def queries_per_item(self) -> Floats:
        """(items,) number of queries of each item."""
        return np.bincount(self.query_items, minlength=self.item_count).astype(np.float64)

    def sum_by_item(self, values: Floats) -> Floats:
        """(seeds, items) sums of values (seeds, q) over each item's queries."""
        return np.stack([np.bincount(self.query_items, row, self.item_count) for row in values])


@dataclass(frozen=True, kw_only=True, eq=False)
class RowRanks:
    """Ranks of a row under all seeds, by direction."""

    directions: Mapping[str, DirectionRanks]

    @classmethod
    def from_evaluations(cls, evaluations: Sequence[Evaluation]) -> RowRanks:
        """From an evaluation for each seed."""
        return cls(
            directions={
                "T2V": DirectionRanks.from_directions([e.t2v for e in evaluations]),
                "V2T": DirectionRanks.from_directions([e.v2t for e in evaluations]),
            }
        )

    @cached_property
    def metric_sums(self) -> dict[str, Floats]:
        """(seeds, items) sums of each metric that is a mean over queries; recalls in percent."""
        sums: dict[str, Floats] = {}
        for name, direction in self.directions.items():
            for k in RECALL_DEPTHS:
                sums[f"{name} R@{k}"] = direction.sum_by_item(np.where(direction.ranks < k, 100.0, 0.0))
            sums[f"{name} MnR"] = direction.sum_by_item(direction.ranks + 1)
        return sums

    def estimate_metrics(
        self, evaluations: Sequence[Evaluation], bootstrap_weights: Floats
    ) -> dict[str, MetricEstimate]:
        """Every metric; `bootstrap_weights` (draws, items) count how often each draw takes each item."""
        metrics_by_seed = [evaluation.compute_metrics() for evaluation in evaluations]
        draws = self._bootstrap_metrics(bootstrap_weights)
        estimates = {}
        for name in METRIC_NAMES:
            values = np.array([metrics[name] for metrics in metrics_by_seed])
            low, high = _compute_interval(draws[name])
            sd = float(values.std(ddof=1)) if len(values) > 1 else None
            estimates[name] = MetricEstimate(value=float(values.mean()), low=low, high=high, sd=sd)
        return estimates

    def compare_rsum(
        self, other: RowRanks, against: str, bootstrap_weights: Floats, signs: Floats
    ) -> RsumDifference:
        """The difference in rsum; `signs` (draws, items) of 1 and -1 swap whole items of the two rows."""
        difference_by_item = self._compute_rsum_by_item() - other._compute_rsum_by_item()
        value = float(difference_by_item.sum())
        draws = self._bootstrap_rsum(bootstrap_weights) - other._bootstrap_rsum(bootstrap_weights)
        low, high = _compute_interval(draws)
        permuted = np.abs(signs @ difference_by_item)
        extreme_count = int((permuted >= abs(value) - 1e-9 * max(1, abs(value))).sum())
        p = (extreme_count + 1) / (len(signs) + 1)
        return RsumDifference(against=against, value=value, low=low, high=high, p=p)

    def _compute_rsum_by_item(self) -> Floats:
        """(items,) the contribution of each item to rsum, seeds averaged."""
        parts = [
            self.metric_sums[name].mean(0) / self.directions[name[:3]].queries_per_item.sum()
            for name in RECALL_NAMES
        ]
        return np.asarray(np.sum(parts, axis=0))

    def _bootstrap_rsum(self, bootstrap_weights: Floats) -> Floats:
        return np.asarray(
            np.sum([self._bootstrap_mean(name, bootstrap_weights) for name in RECALL_NAMES], axis=0)
        )

    def _bootstrap_mean(self, metric: str, bootstrap_weights: Floats) -> Floats:
        """(draws,) a metric that is a mean over queries, seeds averaged."""
        return np.asarray(
            bootstrap_weights
            @ self.metric_sums[metric].mean(0)
            / (bootstrap_weights @ self.directions[metric[:3]].queries_per_item)
        )

    def _bootstrap_metrics(self, bootstrap_weights: Floats) -> dict[str, Floats]:
        """(draws,) of every metric."""
        draws = {name: self._bootstrap_mean(name, bootstrap_weights) for name in self.metric_sums}
        draws["rsum"] = self._bootstrap_rsum(bootstrap_weights)
        for name, direction in self.directions.items():
            medians = [
                bootstrap_median_ranks(ranks, direction.query_items, bootstrap_weights)
                for ranks in direction.ranks
            ]
            draws[f"{name} MdR"] = np.mean(medians, axis=0)
        return draws


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


def draw_resamples(item_count: int, seed: int, draw_count: int = RESAMPLES) -> tuple[Floats, Floats]:
    """(draws, items) counts of a bootstrap over items, and signs, 1 or -1, of a permutation test."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(item_count, np.full(item_count, 1 / item_count), size=draw_count).astype(
        np.float64
    )
    return weights, rng.choice((-1.0, 1.0), size=(draw_count, item_count))


def _compute_interval(draws: Floats) -> tuple[float, float]:
    """The percentile interval of bootstrap draws."""
    low, high = np.quantile(draws, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return float(low), float(high)

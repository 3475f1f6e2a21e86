"""A row's figures over seeds and queries, and how it differs from another row over the same queries.

Seeds are averaged within each draw of the bootstrap, which draws whole items: an item's captions and the
item itself as a query come along together. All rows share one set of draws, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import DirectionResult, Evaluation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RECALL_DEPTHS = (1, 5, 10)
DIRECTIONS = ("T2V", "V2T")
RECALL_NAMES = tuple(f"{side} R@{k}" for side in DIRECTIONS for k in RECALL_DEPTHS)
METRIC_NAMES = (*RECALL_NAMES[:3], "T2V MdR", "T2V MnR", *RECALL_NAMES[3:], "V2T MdR", "V2T MnR", "rsum")
RESAMPLES = 2000
CONFIDENCE_LEVEL = 0.95
SIGNIFICANCE_LEVEL = 0.05  # p below which two rows are said to differ, after Holm
CHUNK_SIZE = 1 << 22  # numbers in one step of the medians' bootstrap


@dataclass(frozen=True, kw_only=True)
class MetricEstimate:
    """A measure: its mean over seeds, their standard deviation (None below two), and a 95 % interval."""

    mean: float
    sd: float | None
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class RsumDifference:
    """rsum less that of the row `against`: 95 % interval, p of a permutation test, and p after Holm."""

    against: str
    value: float
    low: float
    high: float
    p: float
    holm: float = 1.0

    @property
    def words(self) -> str:
        """Whether it differs."""
        if self.holm >= SIGNIFICANCE_LEVEL:
            return f"no difference shown from {self.against}"
        return f"{'better' if self.value > 0 else 'worse'} than {self.against}"


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionRanks:
    """One direction of a row: 0-based ranks (seeds, q), and the item each query belongs to (q,) from 0."""

    ranks: Floats
    query_items: Ints
    item_count: int

    @classmethod
    def from_directions(cls, directions: Sequence[DirectionResult]) -> DirectionRanks:
        """Of the same direction under several seeds."""
        groups = np.unique(np.asarray(directions[0].groups), return_inverse=True)[1]
        ranks = np.stack([side.ranks for side in directions])
        return cls(ranks=ranks, query_items=groups, item_count=int(groups.max()) + 1)

    @cached_property
    def queries_per_item(self) -> Floats:
        """(items,) how many queries each item has."""
        return np.bincount(self.query_items, minlength=self.item_count).astype(np.float64)

    def sum_by_item(self, values: Floats) -> Floats:
        """(seeds, items) of values (seeds, q)."""
        return np.stack([np.bincount(self.query_items, row, self.item_count) for row in values])


@dataclass(frozen=True, kw_only=True, eq=False)
class RowRanks:
    """Both directions of a row under all seeds."""

    directions: Mapping[str, DirectionRanks]

    @classmethod
    def from_evaluations(cls, evaluations: Sequence[Evaluation]) -> RowRanks:
        """Of one evaluation a seed."""
        return cls(
            directions={
                "T2V": DirectionRanks.from_directions([e.t2v for e in evaluations]),
                "V2T": DirectionRanks.from_directions([e.v2t for e in evaluations]),
            }
        )

    @cached_property
    def metric_sums(self) -> dict[str, Floats]:
        """By measure that is a mean over queries: (seeds, items) sums, in percent for recalls."""
        found: dict[str, Floats] = {}
        for side, asked in self.directions.items():
            for k in RECALL_DEPTHS:
                found[f"{side} R@{k}"] = asked.sum_by_item(np.where(asked.ranks < k, 100.0, 0.0))
            found[f"{side} MnR"] = asked.sum_by_item(asked.ranks + 1)
        return found

    def estimate_metrics(
        self, evaluations: Sequence[Evaluation], bootstrap_weights: Floats
    ) -> dict[str, MetricEstimate]:
        """Every measure; `bootstrap_weights` (draws, items) says how often each draw took each item."""
        told = [evaluation.compute_metrics() for evaluation in evaluations]
        drawn = self._bootstrap_metrics(bootstrap_weights)
        found = {}
        for name in METRIC_NAMES:
            values = np.array([one[name] for one in told])
            low, high = np.quantile(drawn[name], [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
            sd = float(values.std(ddof=1)) if len(values) > 1 else None
            found[name] = MetricEstimate(mean=float(values.mean()), sd=sd, low=float(low), high=float(high))
        return found

    def compare_rsum(
        self, other: RowRanks, against: str, bootstrap_weights: Floats, signs: Floats
    ) -> RsumDifference:
        """The difference in rsum; `signs` (draws, items) of 1 and -1 swap whole items of the two rows."""
        mine, theirs = self._compute_rsum_by_item(), other._compute_rsum_by_item()
        value = float((mine - theirs).sum())
        drawn = self._bootstrap_rsum(bootstrap_weights) - other._bootstrap_rsum(bootstrap_weights)
        low, high = np.quantile(drawn, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
        swapped = np.abs(signs @ (mine - theirs))
        beyond = int((swapped >= abs(value) - 1e-9 * max(1, abs(value))).sum())
        p = (beyond + 1) / (len(signs) + 1)
        return RsumDifference(against=against, value=value, low=float(low), high=float(high), p=p)

    def _compute_rsum_by_item(self) -> Floats:
        """(items,) what each adds to rsum, seeds averaged."""
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
        """(draws,) a measure that is a mean over queries, seeds averaged."""
        return np.asarray(
            bootstrap_weights
            @ self.metric_sums[metric].mean(0)
            / (bootstrap_weights @ self.directions[metric[:3]].queries_per_item)
        )

    def _bootstrap_metrics(self, bootstrap_weights: Floats) -> dict[str, Floats]:
        found = {name: self._bootstrap_mean(name, bootstrap_weights) for name in self.metric_sums}
        found["rsum"] = self._bootstrap_rsum(bootstrap_weights)
        for side, asked in self.directions.items():
            medians = [
                bootstrap_median_ranks(ranks, asked.query_items, bootstrap_weights) for ranks in asked.ranks
            ]
            found[f"{side} MdR"] = np.mean(medians, axis=0)
        return found


def bootstrap_median_ranks(ranks: Floats, query_items: Ints, bootstrap_weights: Floats) -> Floats:
    """(draws,) floor(median) + 1 of ranks (q,) with each query taken as often as its item was."""
    order = np.argsort(ranks)
    ordered, owner = ranks[order], query_items[order]
    found = []
    step = max(1, CHUNK_SIZE // len(ranks))
    for start in range(0, len(bootstrap_weights), step):
        upto = np.cumsum(bootstrap_weights[start : start + step][:, owner], axis=1)  # (step, q)
        count = upto[:, -1:]
        lower = (upto > (count - 1) // 2).argmax(1)
        upper = (upto > count // 2).argmax(1)
        found.append(np.floor((ordered[lower] + ordered[upper]) / 2) + 1)
    return np.concatenate(found)


def draw_resamples(item_count: int, seed: int, draw_count: int = RESAMPLES) -> tuple[Floats, Floats]:
    """(count, items) how often a bootstrap draw takes each item, and the signs of a permutation test."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(item_count, np.full(item_count, 1 / item_count), size=draw_count).astype(
        np.float64
    )
    return weights, rng.choice((-1.0, 1.0), size=(draw_count, item_count))

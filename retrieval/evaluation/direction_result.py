"""One direction of a benchmark: its queries with their rank counts, and metrics under a named protocol."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from retrieval.evaluation.composite_intervals import compute_geometric_mean_interval
from retrieval.evaluation.proportion_interval import compute_proportion_interval
from retrieval.evaluation.rank_counts import Floats, RankCounts, TieRule
from retrieval.evaluation.resampling import Difference, Statistic, bootstrap_interval, compare_paired
from retrieval.evaluation.rules import (
    METRICS,
    RECALL_DEPTHS,
    EvaluationProtocol,
    compute_hits,
    compute_metric,
    parse_recall_depth,
)


@dataclass(frozen=True, eq=False, kw_only=True)
class DirectionResult:
    """One direction, query by query: ids of the queries (q,), and the video each belongs to (q,)."""

    name: str
    query_ids: tuple[str, ...]
    groups: tuple[str, ...]
    rank_counts: RankCounts
    protocol: EvaluationProtocol

    @property
    def ranks(self) -> Floats:
        """0-based ranks under the protocol, expected ones by default: (q,), or more under ties="each"."""
        return self.rank_counts.compute_ranks(self.protocol.ties)

    def compute_hits(self, k: int) -> Floats:
        """(q,) hits of R@k, 0 to 1, whose mean is the recall; more than q of them under ties="each".

        Fractions are expected hits of tied targets. Raises ValueError for k < 1.
        """
        return compute_hits(self.rank_counts, k, self.protocol)

    def compute_metric(self, name: str) -> float:
        """One of METRICS, "MRR" or any R@k. Raises ValueError for another name or without queries."""
        return compute_metric(self.rank_counts, name, self.protocol)

    def compute_bounds(self, name: str) -> tuple[float, float]:
        """The metric with all ties ranked before the target (pessimistic) and after it (optimistic)."""
        rules: tuple[TieRule, ...] = ("pessimistic", "optimistic")
        pessimistic, optimistic = (
            compute_metric(self.rank_counts, name, replace(self.protocol, ties=ties)) for ties in rules
        )
        return pessimistic, optimistic

    def compute_interval(self, name: str, *, seed: int, draws: int = 2000) -> tuple[float, float]:
        """95 % interval of a metric; the queries of a video are taken together.

        R@k: `compute_proportion_interval`; Geom: `compute_geometric_mean_interval`; others: bootstrap.
        """
        groups = np.asarray(self.groups)[self.rank_counts.list_query_indices(self.protocol.ties)]
        if (depth := parse_recall_depth(name)) is not None:
            low, high = compute_proportion_interval(self.compute_hits(depth), groups)
            return 100 * low, 100 * high
        if name == "Geom":
            hits = [self.compute_hits(k) for k in RECALL_DEPTHS]
            low, high = compute_geometric_mean_interval(hits, [groups] * len(hits))
            return 100 * low, 100 * high
        return bootstrap_interval(
            self.rank_counts.to_rows(), self._make_statistic(name), seed=seed, draws=draws, groups=self.groups
        )

    def compare_with(self, other: DirectionResult, name: str, *, seed: int, draws: int = 2000) -> Difference:
        """The metric minus that of `other`, paired over the same queries.

        Raises ValueError for other queries or protocols, or ties="each", which has several ranks per query.
        """
        if (self.query_ids, self.protocol, self.name) != (other.query_ids, other.protocol, other.name):
            raise ValueError("rows of different queries, rules or directions can't be compared")
        if self.protocol.ties == "each":
            raise ValueError("ties='each' has no one rank a query; compare under another rule")
        return compare_paired(
            self.rank_counts.to_rows(),
            other.rank_counts.to_rows(),
            self._make_statistic(name),
            seed=seed,
            draws=draws,
            groups=self.groups,
        )

    def _make_statistic(self, name: str) -> Statistic:
        """The metric as a function of rows of counts (q, 3)."""
        return lambda rows: compute_metric(RankCounts.from_rows(rows), name, self.protocol)

    def select_queries(self, query_ids: Collection[str]) -> DirectionResult:
        """The queries with these ids, in their order here; their ranks do not change.

        Raises ValueError for ids that are not among the queries.
        """
        selected = set(query_ids)
        if unknown := sorted(selected - set(self.query_ids)):
            raise ValueError(f"{self.name}: {len(unknown)} ids were not asked: {', '.join(unknown[:3])} ...")
        indices = [index for index, query in enumerate(self.query_ids) if query in selected]
        return replace(
            self,
            query_ids=tuple(self.query_ids[index] for index in indices),
            groups=tuple(self.groups[index] for index in indices),
            rank_counts=self.rank_counts.select_queries(np.array(indices, np.int64)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Metrics, bounds, protocol and ranks by query, for JSON."""
        return {
            "direction": self.name,
            "rules": asdict(self.protocol),
            "queries": len(self.query_ids),
            "entries": len(self.ranks),
            **{name: self.compute_metric(name) for name in METRICS},
            "bounds": {name: list(self.compute_bounds(name)) for name in METRICS},
            "ranks": dict(
                zip(self.query_ids, self.rank_counts.compute_ranks("expected").tolist(), strict=True)
            ),
        }

    def __str__(self) -> str:
        metrics = " ".join(f"{name} {self.compute_metric(name):.1f}" for name in METRICS)
        return f"{self.name} of {len(self.query_ids)} queries: {metrics} ({self.protocol})"

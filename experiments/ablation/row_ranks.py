"""Hits and ranks of a row of the table, query by query and seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from experiments.ablation.space_spec import SpaceSpec
from retrieval.evaluation import DirectionResult, Evaluation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RECALL_DEPTHS = (1, 5, 10)
DIRECTION_TITLES = {"T2V": "Words find items (T2V)", "V2T": "Items find words (V2T)"}
DIRECTIONS = tuple(DIRECTION_TITLES)
RECALL_NAMES = tuple(f"{side} R@{k}" for side in DIRECTIONS for k in RECALL_DEPTHS)
METRIC_NAMES = (*RECALL_NAMES[:3], "T2V MdR", "T2V MnR", *RECALL_NAMES[3:], "V2T MdR", "V2T MnR", "rsum")


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionRanks:
    """One direction of a row.

    ranks: 0-based (seeds, q)
    hits:  by depth k, from 0 to 1 (seeds, q)
    query_items: the number of each query's item (q,)
    """

    ranks: Floats
    hits: Mapping[int, Floats]
    query_items: Ints
    item_count: int

    @classmethod
    def from_directions(cls, directions: Sequence[DirectionResult]) -> DirectionRanks:
        """From the same direction under several seeds."""
        items = np.unique(np.asarray(directions[0].groups), return_inverse=True)[1]
        ranks = np.stack([direction.ranks for direction in directions])
        return cls(
            ranks=ranks,
            hits={k: np.where(ranks < k, 1.0, 0.0) for k in RECALL_DEPTHS},
            query_items=items,
            item_count=int(items.max()) + 1,
        )

    @cached_property
    def queries_per_item(self) -> Floats:
        """(items,) number of queries of each item."""
        return np.bincount(self.query_items, minlength=self.item_count).astype(np.float64)

    def sum_by_item(self, values: Floats) -> Floats:
        """(seeds, items) sums of values (seeds, q) over each item's queries."""
        return np.stack([np.bincount(self.query_items, row, self.item_count) for row in values])

    def linearise_recall(self, k: int) -> Floats:
        """(seeds, items) values in percent whose mean over items is R@k.

        Their variance over items is that of R@k, a ratio of sums over items with several queries each, to the
        first order (Cochran 1977, 2.11).
        """
        recall = self.hits[k].mean(axis=1, keepdims=True)
        residuals = self.sum_by_item(self.hits[k] - recall) / self.queries_per_item.mean()
        return np.asarray(100 * (recall + residuals))


@dataclass(frozen=True, kw_only=True, eq=False)
class RowRanks:
    """Ranks of a row under all seeds, by direction.

    spaces: the trained spaces it is made of, none for a baseline, which has no seeds
    """

    directions: Mapping[str, DirectionRanks]
    spaces: frozenset[SpaceSpec]

    @classmethod
    def from_evaluations(
        cls, evaluations: Sequence[Evaluation], spaces: Sequence[SpaceSpec] = ()
    ) -> RowRanks:
        """From an evaluation for each seed."""
        directions = {
            "T2V": DirectionRanks.from_directions([evaluation.t2v for evaluation in evaluations]),
            "V2T": DirectionRanks.from_directions([evaluation.v2t for evaluation in evaluations]),
        }
        return cls(directions=directions, spaces=frozenset(spaces))

    @property
    def seed_count(self) -> int:
        """Seeds; 1 for a baseline."""
        return len(self.directions["T2V"].ranks)

    @cached_property
    def recall_values(self) -> Mapping[str, Floats]:
        """(seeds, items) by recall, as `DirectionRanks.linearise_recall`."""
        return {
            f"{side} R@{k}": direction.linearise_recall(k)
            for side, direction in self.directions.items()
            for k in RECALL_DEPTHS
        }

    @cached_property
    def rsum_values(self) -> Floats:
        """(seeds, items) values whose mean over items is rsum."""
        return np.asarray(np.sum([self.recall_values[name] for name in RECALL_NAMES], axis=0))

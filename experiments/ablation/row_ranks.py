"""Hits and ranks of a row of the table, query by query and seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from experiments.ablation.space_spec import SpaceSpec
from retrieval.evaluation import DirectionResult, Evaluation
from retrieval.evaluation.rank_metrics import MedianRule
from retrieval.evaluation.rules import RECALL_DEPTHS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIRECTION_TITLES = {"T2V": "Words find items (T2V)", "V2T": "Items find words (V2T)"}
DIRECTIONS = tuple(DIRECTION_TITLES)
RECALL_NAMES = tuple(f"{side} R@{k}" for side in DIRECTIONS for k in RECALL_DEPTHS)
METRIC_NAMES = (*RECALL_NAMES[:3], "T2V MdR", "T2V MnR", *RECALL_NAMES[3:], "V2T MdR", "V2T MnR", "rsum")


@dataclass(frozen=True, kw_only=True, eq=False)
class SeedRanks:
    """Entries of one direction under one seed: one a query, or several under the rule "each" for ties.

    ranks: 0-based (e,)
    hits:  by depth k, from 0 to 1 (e,)
    items: (e,) the number of the item that each entry's query belongs to
    """

    ranks: Floats
    hits: Mapping[int, Floats]
    items: Ints

    @classmethod
    def from_direction(cls, direction: DirectionResult) -> SeedRanks:
        """From one direction of an evaluation, under its protocol."""
        items = np.unique(np.asarray(direction.groups), return_inverse=True)[1]
        return cls(
            ranks=direction.ranks,
            hits={k: direction.compute_hits(k) for k in RECALL_DEPTHS},
            items=items[direction.rank_counts.list_query_indices(direction.protocol.ties)],
        )

    def linearise_recall(self, k: int, item_count: int) -> Floats:
        """(items,) values in percent whose mean is R@k.

        Their variance is that of R@k, a ratio of sums over items with several entries each, to the first
        order (Cochran 1977, 2.11).
        """
        recall = self.hits[k].mean()
        residuals = np.bincount(self.items, self.hits[k] - recall, item_count)
        return np.asarray(100 * (recall + residuals * item_count / len(self.items)))


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionRanks:
    """One direction of a row under all seeds."""

    seeds: tuple[SeedRanks, ...]
    item_count: int
    median: MedianRule

    @classmethod
    def from_directions(cls, directions: Sequence[DirectionResult]) -> DirectionRanks:
        """From the same direction under several seeds."""
        return cls(
            seeds=tuple(map(SeedRanks.from_direction, directions)),
            item_count=len(set(directions[0].groups)),
            median=directions[0].protocol.median,
        )

    def linearise_recall(self, k: int) -> Floats:
        """(seeds, items) as `SeedRanks.linearise_recall`."""
        return np.stack([seed.linearise_recall(k, self.item_count) for seed in self.seeds])


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
        return len(self.directions["T2V"].seeds)

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

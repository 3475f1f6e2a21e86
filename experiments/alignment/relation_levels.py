"""Whether a relation lies between groups, in their means, or within them, in deviations from their means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.alignment.bootstrap import CONFIDENCE_LEVEL
from experiments.alignment.folds import FoldedPairs
from experiments.alignment.pairs import Floats, Ints, Strings
from experiments.alignment.study_config import StudyConfig
from experiments.statistics.holm import adjust_holm
from experiments.statistics.markdown import format_value
from retrieval.evaluation import ProtestResult, protest
from retrieval.evaluation.permutation_tests import ExchangeRule

MIN_GROUPS = 6  # fewer means can't be shuffled in enough ways


@dataclass(frozen=True, kw_only=True, eq=False)
class RelationLevels:
    """PROTEST of groups' means, each as often as it has rows, and of deviations, shuffled within groups.

    between, within: None where there are too few groups, or readings do not vary on that level
    p_between, p_within: after Holm's correction over both
    """

    between: ProtestResult | None
    within: ProtestResult | None
    p_between: float | None
    p_within: float | None

    @property
    def is_shown(self) -> bool:
        """Whether the relation is significant on either level."""
        return any(p is not None and p < 1 - CONFIDENCE_LEVEL for p in (self.p_between, self.p_within))

    def describe(self) -> str:
        """In words, with the figures; empty where neither level could be tested."""
        levels = (
            ("between groups", self.between, self.p_between),
            ("within groups", self.within, self.p_within),
        )
        figures = {
            name: f"{name} (t {format_value(test.correlation, '.2f')}, p {format_value(p, '.3f')})"
            for name, test, p in levels
            if test is not None and p is not None
        }
        if not figures:
            return ""
        found = [name for name, _, p in levels if p is not None and p < 1 - CONFIDENCE_LEVEL]
        others = [text for name, text in figures.items() if name not in found]
        if not found:
            return f"on no level is the relation shown for itself: {', '.join(others)}"
        text = f"the relation lies {' and '.join(figures[name] for name in found)}"
        return text + (f"; not shown {others[0]}" if others else "")

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            name: None if test is None else {"t": test.correlation, "p": test.p_value, "p holm": p}
            for name, test, p in (
                ("between groups", self.between, self.p_between),
                ("within groups", self.within, self.p_within),
            )
        }


def measure_levels(data: FoldedPairs, config: StudyConfig) -> RelationLevels | None:
    """The relation on both levels; None without groups of several rows."""
    names, number = np.unique(data.groups, return_inverse=True)
    if len(names) == len(data.groups):
        return None
    source_means, target_means = (_average(rows, number) for rows in (data.source, data.target))
    between = None
    if len(names) >= MIN_GROUPS:
        # a mean stands for all rows of its group, so that whole groups are exchanged: means of groups of
        # different sizes have different variances, and exchanged one by one they don't hold the level
        between = _run_protest(source_means[number], target_means[number], data.groups, "groups", config)
    within = _run_protest(
        data.source - source_means[number], data.target - target_means[number], data.groups, "within", config
    )
    tests = [test for test in (between, within) if test is not None]
    adjusted = dict(zip(map(id, tests), adjust_holm([test.p_value for test in tests]), strict=True))
    return RelationLevels(
        between=between, within=within, p_between=adjusted.get(id(between)), p_within=adjusted.get(id(within))
    )


def _run_protest(
    source: Floats, target: Floats, groups: Strings, exchange: ExchangeRule, config: StudyConfig
) -> ProtestResult | None:
    try:
        return protest(
            source, target, seed=config.seed, draws=config.draws, groups=groups,
            exchange=exchange,
        )  # fmt: skip
    except ValueError:  # readings that do not vary
        return None


def _average(rows: Floats, number: Ints) -> Floats:
    """(groups, d) means of rows (n, d) by the number of their group (n,)."""
    sums = np.zeros((number.max() + 1, rows.shape[1]))
    np.add.at(sums, number, rows)
    return np.asarray(sums / np.bincount(number)[:, None])

"""The difference in rsum of two rows, and what it says of the method and of the trained networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.ablation.row_ranks import RECALL_NAMES, RowRanks
from experiments.statistics.crossed_effects import MeanDifference, compare_methods, compare_networks

MAX_RSUM = 100.0 * len(RECALL_NAMES)
SIGNIFICANCE_LEVEL = 0.05  # of all comparisons of a table together


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A test of no difference and the interval of the difference.

    p: of this comparison alone
    adjusted_p: p times the number of comparisons, at most 1 (Bonferroni)
    low, high: the interval of level 1 - SIGNIFICANCE_LEVEL / comparisons: all of a table hold their
               differences at once in 95 % of tables, and one holds 0 exactly where `is_significant` is false
    """

    p: float
    adjusted_p: float
    low: float
    high: float

    @classmethod
    def from_difference(cls, difference: MeanDifference, comparison_count: int) -> Statement:
        """The statement of one of several comparisons."""
        p = difference.p_value
        low, high = difference.compute_interval(1 - SIGNIFICANCE_LEVEL / comparison_count)
        return cls(
            p=p, adjusted_p=min(1.0, p * comparison_count), low=max(low, -MAX_RSUM), high=min(high, MAX_RSUM)
        )

    @property
    def is_significant(self) -> bool:
        """Whether a difference is shown."""
        return self.adjusted_p < SIGNIFICANCE_LEVEL


@dataclass(frozen=True, kw_only=True)
class RsumDifference:
    """rsum less that of the row `against`.

    method:   of the method, whichever seeds it is trained with; None where a row has one seed only
    networks: of the networks that were trained here
    paired_seeds: whether both rows have a trained space in common, so that seeds are compared in pairs
    is_identical: whether no query and no seed differ
    """

    against: str
    value: float
    method: Statement | None
    networks: Statement
    paired_seeds: bool
    is_identical: bool

    @property
    def words(self) -> str:
        """What is shown of the method, and in brackets p of it and what is shown of these networks."""
        networks = f"these networks: {self._describe(self.networks)}"
        if self.is_identical:
            return f"equal to {self.against} in every query"
        if self.method is None:
            return f"can't tell: one seed ({networks})"
        p = format_p_value(self.method.adjusted_p)
        if not self.method.is_significant:
            return f"no difference shown from {self.against} (method: {p}; {networks})"
        return f"{self._compare()} than {self.against} (method: {p}; {networks})"

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            "against": self.against,
            "value": self.value,
            "method": None if self.method is None else asdict(self.method),
            "networks": asdict(self.networks),
            "paired_seeds": self.paired_seeds,
            "words": self.words,
        }

    def _describe(self, statement: Statement) -> str:
        p = format_p_value(statement.adjusted_p)
        return f"{self._compare()}, {p}" if statement.is_significant else p

    def _compare(self) -> str:
        return "better" if self.value > 0 else "worse"


def compare_rows(rows: Mapping[str, RowRanks], references: Mapping[str, str]) -> dict[str, RsumDifference]:
    """The differences of rows from their reference rows, by name; corrected for their number."""
    return {
        name: _compare_rsum(rows[name], rows[reference], reference, len(references))
        for name, reference in references.items()
    }


def _compare_rsum(row: RowRanks, other: RowRanks, against: str, comparison_count: int) -> RsumDifference:
    networks = compare_networks(row.rsum_values, other.rsum_values)
    paired = bool(row.spaces & other.spaces)
    has_one_seed = any(one.spaces and one.seed_count == 1 for one in (row, other))
    method = None
    if not has_one_seed:
        method = compare_methods(row.rsum_values, other.rsum_values, paired_seeds=paired)
    return RsumDifference(
        against=against,
        value=networks.value,
        method=None if method is None else Statement.from_difference(method, comparison_count),
        networks=Statement.from_difference(networks, comparison_count),
        paired_seeds=paired,
        is_identical=not np.any(row.rsum_values - other.rsum_values),
    )


def format_p_value(value: float) -> str:
    """Such as "p = 0.0123"."""
    if value < 1e-4:
        return "p < 0.0001"
    return f"p = {value:.4f}" if value < 0.1 else f"p = {value:.2f}"

"""Confidence intervals by bootstrap and tests by permutation, over values or over whole groups of them.

Five captions of one photo are not five independent photos: with `groups` whole groups are drawn or swapped
(Davison and Hinkley 1997, 3.8).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.estimate import Estimate
from retrieval.vector_index import validate_k

Ints = npt.NDArray[np.int64]
Statistic = Callable[[npt.NDArray[Any]], Any]


@dataclass(frozen=True, kw_only=True)
class Difference(Estimate):
    """The difference of two methods over the same queries, its interval, and the p-value of no difference."""

    low: float
    high: float
    p_value: float

    def to_json(self) -> dict[str, float | None]:
        """As `Estimate.to_json`, with the p-value."""
        return {**super().to_json(), "p_value": self.p_value}

    def __str__(self) -> str:
        return f"{self.value:+.2f} [{self.low:+.2f}, {self.high:+.2f}], p = {self.p_value:.3f}"


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Statistic = np.mean,
    *,
    seed: int,
    draws: int = 2000,
    level: float = 0.95,
    groups: npt.ArrayLike | None = None,
) -> tuple[float, float]:
    """(low, high) percentile bootstrap interval of `statistic` over `values` (n, ...) (Efron 1979).

    `statistic` takes values drawn with replacement along the first axis and returns one number. With `groups`
    (n,), whole groups are drawn with all their values. Draws that can't be measured, whose statistic is NaN,
    are left out; NaN where all are.

    Raises ValueError without values, for groups of another length, draws < 1 or a level outside (0, 1).
    """
    sample = np.asarray(values)
    if sample.ndim == 0 or len(sample) == 0:
        raise ValueError("a bootstrap needs at least one value")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    resamples = draw_resamples(len(sample), groups, np.random.default_rng(seed))
    statistics = [float(statistic(sample[next(resamples)])) for _ in range(validate_k(draws))]
    measured = [value for value in statistics if not math.isnan(value)] or [math.nan]
    low, high = np.quantile(measured, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_estimate(
    values: npt.ArrayLike,
    statistic: Statistic = np.mean,
    *,
    seed: int,
    draws: int = 2000,
    level: float = 0.95,
    groups: npt.ArrayLike | None = None,
) -> Estimate:
    """`statistic` of `values` (n, ...) with its `bootstrap_interval`; arguments and errors as there."""
    low, high = bootstrap_interval(values, statistic, seed=seed, draws=draws, level=level, groups=groups)
    return Estimate(float(statistic(np.asarray(values))), low, high)


def compare_paired(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    statistic: Statistic = np.mean,
    *,
    seed: int,
    draws: int = 2000,
    level: float = 0.95,
    groups: npt.ArrayLike | None = None,
) -> Difference:
    """statistic(first) - statistic(second) of values (n, ...) each, paired by index: the same queries.

    The interval is the paired bootstrap's, p that of `permutation_p_value`; both use whole `groups` (n,).
    Raises ValueError for values that do not pair and as `bootstrap_interval` does.
    """
    pairs = stack_pairs(first, second)

    def compute_gap(drawn: npt.NDArray[Any]) -> float:
        return float(statistic(drawn[:, 0])) - float(statistic(drawn[:, 1]))

    low, high = bootstrap_interval(pairs, compute_gap, seed=seed, draws=draws, level=level, groups=groups)
    p_value = permutation_p_value(pairs[:, 0], pairs[:, 1], statistic, seed=seed, draws=draws, groups=groups)
    return Difference(value=compute_gap(pairs), low=low, high=high, p_value=p_value)


def permutation_p_value(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    statistic: Statistic = np.mean,
    *,
    seed: int,
    draws: int = 2000,
    groups: npt.ArrayLike | None = None,
) -> float:
    """Two-sided p of a paired permutation test: (#{|swapped gap| >= |gap|} + 1) / (draws + 1).

    Each draw swaps the two values of about half of the queries, or of whole groups (Fisher 1935; Edgington
    and Onghena 2007). Raises ValueError for values that do not pair or groups of another length.
    """
    pairs = stack_pairs(first, second)
    number = number_groups(len(pairs), groups)
    rng, rows = np.random.default_rng(seed), np.arange(len(pairs))
    gap = abs(float(statistic(pairs[:, 0])) - float(statistic(pairs[:, 1])))
    at_least = 0
    for _ in range(validate_k(draws)):
        swap = rng.integers(2, size=number.max() + 1)[number]
        swapped_gap = abs(float(statistic(pairs[rows, swap])) - float(statistic(pairs[rows, 1 - swap])))
        at_least += swapped_gap >= gap - 1e-12 * max(1, gap)
    return (at_least + 1) / (draws + 1)


def draw_resamples(count: int, groups: npt.ArrayLike | None, rng: np.random.Generator) -> Iterator[Ints]:
    """Endless resamples with replacement: indices (count,), or of whole groups (sum of their sizes,)."""
    if groups is None:
        while True:
            yield rng.integers(count, size=count)
    number = number_groups(count, groups)
    order, sizes = np.argsort(number, kind="stable"), np.bincount(number)
    starts = np.cumsum(sizes) - sizes
    while True:
        drawn = rng.integers(len(sizes), size=len(sizes))
        drawn_sizes = sizes[drawn]
        offsets = np.repeat(starts[drawn] - (np.cumsum(drawn_sizes) - drawn_sizes), drawn_sizes)
        yield order[offsets + np.arange(len(offsets))]


def number_groups(count: int, groups: npt.ArrayLike | None) -> Ints:
    """(count,) group numbers, by default one per value. Raises ValueError for groups of another length."""
    if groups is None:
        return np.arange(count)
    labels = np.asarray(groups)
    if labels.shape != (count,):
        raise ValueError(f"groups must name one group a value ({count},), not {labels.shape}")
    return np.unique(labels, return_inverse=True)[1]


def stack_pairs(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(n, 2, ...) of two (n, ...), else ValueError."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim == 0 or a.shape != b.shape or a.size == 0:
        raise ValueError(f"values must pair, (n, ...) each with n > 0, not {a.shape} and {b.shape}")
    return np.stack([a, b], axis=1)

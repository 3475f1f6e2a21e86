"""Differences of two methods measured with several seeds over the same items: a crossed design.

A measurement is y[s, i] = mean + seed[s] + item[i] + residual[s, i] with independent random effects. Two
statements are told apart. About the trained networks: other items might have been asked, the networks are
these (a paired t test over items). About the method: it might have been trained with other seeds as well, so
the variance of the mean over seeds is added (quasi-F and its degrees of freedom: Satterthwaite 1946; Clark
1973 for items and subjects).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import t as student_t

Floats = npt.NDArray[np.float64]

LEAST_P = 1e-12  # smaller p values are not told apart


@dataclass(frozen=True, kw_only=True)
class VarianceComponent:
    """A part of the variance of a difference, and the degrees of freedom it is estimated with."""

    variance: float
    degrees: float


@dataclass(frozen=True, kw_only=True)
class MeanDifference:
    """The difference of two means over items, and the components that its variance is the sum of."""

    value: float
    components: tuple[VarianceComponent, ...]

    @property
    def standard_error(self) -> float:
        """The estimated standard deviation of the difference."""
        return math.sqrt(sum(component.variance for component in self.components))

    @property
    def p_value(self) -> float:
        """Two-sided p of no difference; LEAST_P where it is smaller."""
        if self.value == 0:
            return 1.0
        if self.standard_error == 0:  # every item differs by the same: as the sign test
            return max(LEAST_P, 2.0 ** -max(component.degrees for component in self.components))
        ratio = abs(self.value) / self.standard_error
        if self.compute_critical_value(LEAST_P) <= ratio:
            return LEAST_P

        def compare(log_p: float) -> float:
            return self.compute_critical_value(math.exp(log_p)) - ratio

        return math.exp(brentq(compare, math.log(LEAST_P), 0.0))

    def compute_interval(self, level: float) -> tuple[float, float]:
        """(low, high); it holds 0 exactly where the p value is above 1 - level."""
        half_width = self.compute_critical_value(1 - level) * self.standard_error
        return self.value - half_width, self.value + half_width

    def compute_critical_value(self, p: float) -> float:
        """The quantile that the ratio of difference and standard error is compared with, two-sided.

        The mean of Student's quantiles of the components, weighted by their variances (Cochran and Cox 1957,
        4.14). With three seeds Satterthwaite's degrees of freedom reject up to .08 at .05, this .03 to .06.
        """
        total = sum(component.variance for component in self.components)
        quantiles = [student_t.isf(p / 2, component.degrees) for component in self.components]
        if total == 0:
            return float(max(quantiles))
        shares = [component.variance / total for component in self.components]
        return float(
            sum(share * quantile for share, quantile in zip(shares, quantiles, strict=True) if share)
        )


def compare_networks(first: Floats, second: Floats) -> MeanDifference:
    """The mean of `first` (seeds, n) less that of `second` (seeds, n): these networks, other items.

    Numbers of seeds may differ. Raises ValueError for fewer than two items, or different ones.
    """
    differences = _average_seeds(first, second)
    return MeanDifference(
        value=float(differences.mean()),
        components=(_estimate_item_component(differences),),
    )


def compare_methods(first: Floats, second: Floats, *, paired_seeds: bool) -> MeanDifference:
    """The mean of `first` (seeds, n) less that of `second` (seeds, n): other seeds and other items.

    One row stands for a method without seeds. With `paired_seeds` the rows of one seed share a network, and
    their differences are taken seed by seed; otherwise seeds are independent, which is cautious where the
    same seed makes two methods alike. Raises ValueError as `compare_networks`, and for seeds that don't pair.
    """
    differences = _average_seeds(first, second)
    if paired_seeds and len(first) != len(second):
        raise ValueError(f"seeds don't pair: {len(first)} and {len(second)}")
    random = [first - second] if paired_seeds else [first, second]
    seeds = [_estimate_seed_component(values) for values in random if len(values) > 1]
    merged = [_merge_components(seeds)] if seeds else []
    return MeanDifference(
        value=float(differences.mean()),
        components=(*merged, _estimate_item_component(differences)),
    )


def _average_seeds(first: Floats, second: Floats) -> Floats:
    """(n,) differences by item, seeds averaged."""
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or first.shape[1] < 2:
        raise ValueError(f"(seeds, items) of the same two or more items, not {first.shape}, {second.shape}")
    return np.asarray(first.mean(axis=0) - second.mean(axis=0))


def _estimate_item_component(differences: Floats) -> VarianceComponent:
    """Of differences (n,) by item; it includes the residual, as far as seeds have not averaged it out."""
    count = len(differences)
    return VarianceComponent(variance=float(differences.var(ddof=1)) / count, degrees=count - 1)


def _estimate_seed_component(values: Floats) -> VarianceComponent:
    """Of the mean over seeds of values (seeds, n): what seeds differ by beyond the residual, 0 or more."""
    seeds, items = values.shape
    by_seed, by_item = values.mean(axis=1, keepdims=True), values.mean(axis=0)
    residuals = values - by_seed - by_item + values.mean()
    residual_variance = float((residuals**2).sum()) / ((seeds - 1) * (items - 1))
    variance = float(by_seed.var(ddof=1)) - residual_variance / items
    return VarianceComponent(variance=max(0.0, variance) / seeds, degrees=seeds - 1)


def _merge_components(parts: Sequence[VarianceComponent]) -> VarianceComponent:
    """The sum of independent components with Welch and Satterthwaite's degrees of freedom (1946, 1947)."""
    total = sum(part.variance for part in parts)
    if total == 0:
        return VarianceComponent(variance=0.0, degrees=sum(part.degrees for part in parts))
    weights = sum(part.variance**2 / part.degrees for part in parts)
    return VarianceComponent(variance=total, degrees=total**2 / weights)

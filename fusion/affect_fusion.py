"""One mood of several senses: means weighted by precision, and a standard deviation that stays honest.

Rows are (valence, arousal, valence_sd, arousal_sd), valence and arousal in [-1, 1]; a NaN abstains. A sense
counts by reliability / sd^2: the precision it states times what its word proved worth. Both dimensions are
weighed apart.

Errors of senses go together (all miss what no sense shows), so two that agree are not as sure as two that
know nothing of each other, and the less precise of two adds less than its precision says. And senses that
disagree by more than their SDs allow say that at least one is wrong: the variance grows then, as by the Birge
ratio (Birge 1932, "The calculation of errors by the method of least squares"), held back by prior degrees of
freedom, because two senses alone tell little. Random effects (DerSimonian & Laird 1986) were tried instead:
they even the weights out where senses differ, and lose.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
PerDimension = tuple[float, float]
"""A number for valence and one for arousal."""

PRIOR_DEGREES_OF_FREEDOM = 3.0
"""Degrees of freedom of the prior that stated SDs are right, against the Birge ratio."""

CORRELATION_SHRINKAGE = 0.5
"""The part of the correlation that the weights go by. By all of it a sense whose SD is 1 / correlation times
that of another would have no say, be the SDs right or wrong; half has most of the gain."""


def precision_weighted_mean(
    estimates: Mapping[str, npt.ArrayLike],
    reliability: Mapping[str, PerDimension],
    *,
    correlation: float | PerDimension,
    prior_dof: float = PRIOR_DEGREES_OF_FREEDOM,
) -> Floats:
    """(n, 4) valence, arousal and their SDs of each item, from each sense's (n, 4); NaN where all abstain.

    reliability: by sense, (valence, arousal) factors > 0 on the stated precisions: 4 says the SDs are twice
                 what they must be, .25 that they are half
    correlation: of two senses' errors, [0, 1), one for both dimensions or one each; the same for every pair
                 Weights are those of least variance (Aitken 1935) by CAUTION times it, and never negative;
                 without it they are reliability / sd^2
    prior_dof:   how slow disagreement is to widen the SD: after k senses the variance is multiplied by
                 max(1, (prior + Q) / (prior + k - 1)), where Q is chi-squared with k - 1 degrees of freedom
                 for senses that state what is so; 0 is the Birge ratio, infinity leaves disagreement out

    One sense alone gives its own mean, and its SD over the root of its reliability. The mean lies between the
    senses' values. Raises ValueError for no senses, shapes that do not fit, an SD that is not positive, a
    sense without a reliability, or factors and correlations out of range.
    """
    value, spread, factor = _validate_estimates(estimates, reliability)
    shared = _validate_correlation(correlation)
    if not prior_dof >= 0:
        raise ValueError(f"the prior must be at least 0, not {prior_dof}")
    heard = ~np.isnan(value)
    spread = spread / np.sqrt(factor)
    weight = _compute_weights(spread, shared)
    mean = np.where(heard.any(axis=0), np.nansum(weight * value, axis=0), np.nan)
    part = np.where(heard, weight * spread, 0)
    variance = shared * part.sum(axis=0) ** 2 + (1 - shared) * (part**2).sum(axis=0)
    variance *= _compute_variance_inflation(value, spread, heard.sum(axis=0), shared, prior_dof)
    deviation = np.where(heard.any(axis=0), np.sqrt(variance), np.nan)
    return np.concatenate([mean, deviation], axis=1)


def compute_modality_weights(
    estimates: Mapping[str, npt.ArrayLike],
    reliability: Mapping[str, PerDimension],
    *,
    correlation: float | PerDimension = 0.0,
) -> dict[str, Floats]:
    """By sense, (n, 2) its part in the mean of `precision_mean`, for valence and arousal.

    They add up to 1 over the senses; 0 where a sense abstains, NaN where all do. Give the correlation that
    the mean was given. Raises as `precision_mean`.
    """
    value, spread, factor = _validate_estimates(estimates, reliability)
    weight = _compute_weights(spread / np.sqrt(factor), _validate_correlation(correlation))
    silent = np.isnan(value).all(axis=0)
    return {sense: np.where(silent, np.nan, part) for sense, part in zip(estimates, weight, strict=True)}


def _validate_correlation(correlation: float | PerDimension) -> Floats:
    """(2,) of a number or two, else ValueError."""
    shared = np.array(np.broadcast_to(np.asarray(correlation, np.float64), 2))
    if not ((shared >= 0) & (shared < 1)).all():
        raise ValueError(f"a correlation is in [0, 1), not {correlation}")
    return shared


def _validate_estimates(
    estimates: Mapping[str, npt.ArrayLike], reliability: Mapping[str, PerDimension]
) -> tuple[Floats, Floats, Floats]:
    """Values (k, n, 2), SDs (k, n, 2) and factors (k, 1, 2) of k senses; both NaN where one of them is."""
    if not estimates:
        raise ValueError("no senses")
    if lacking := [sense for sense in estimates if sense not in reliability]:
        raise ValueError(f"no reliability of {', '.join(lacking)}")
    tables = [np.asarray(table, np.float64) for table in estimates.values()]
    if any(table.ndim != 2 or table.shape[1] != 4 or len(table) != len(tables[0]) for table in tables):
        raise ValueError(
            f"rows must be (n, 4) of one n, not {', '.join(str(table.shape) for table in tables)}"
        )
    stacked = np.stack(tables)
    silent = np.isnan(stacked[:, :, :2]) | np.isnan(stacked[:, :, 2:])
    value, spread = (np.where(silent, np.nan, part) for part in (stacked[:, :, :2], stacked[:, :, 2:]))
    factor = np.array([reliability[sense] for sense in estimates], np.float64)[:, None]
    if not (silent | (np.isfinite(value) & np.isfinite(spread) & (spread > 0))).all():
        raise ValueError("a value is infinite, or an SD not positive and finite")
    if factor.shape[1:] != (1, 2) or not (np.isfinite(factor) & (factor > 0)).all():
        raise ValueError(f"reliabilities must be two positive factors a sense, not {dict(reliability)}")
    return value, spread, factor


def _compute_weights(sds: Floats, correlation: Floats) -> Floats:
    """(k, n, 2) parts of 1, of least variance for errors that correlate by CAUTION * shared; 0 where NaN.

    A sense that would count against itself is left out, the worst first.
    """
    heard = ~np.isnan(sds)
    least = np.min(np.where(heard, sds, np.inf), axis=0)
    unit = np.where(heard, np.where(heard, least, 1) / np.where(heard, sds, 1), 0)  # no square overflows
    half = CORRELATION_SHRINKAGE * correlation
    weight = np.zeros(sds.shape)
    for _ in sds:
        kept = unit > 0
        common = half / (1 + np.maximum(kept.sum(axis=0) - 1, 0) * half)
        weight = unit * (unit - common * unit.sum(axis=0))
        worst = np.where(kept, unit, np.inf).argmin(axis=0)
        out = (np.arange(len(sds))[:, None, None] == worst) & (weight < 0)
        unit = np.where(out, 0, unit)
    total = weight.sum(axis=0)
    return np.asarray(np.divide(weight, total, out=np.zeros_like(weight), where=total > 0))


def _compute_variance_inflation(
    means: Floats, sds: Floats, modality_counts: Floats, correlation: Floats, prior_dof: float
) -> Floats:
    """(n, 2) factors of the variance, by the spread of k values about their best mean in units of their SDs.

    Q = x' S^-1 x - (1' S^-1 x)^2 / (1' S^-1 1) of errors with one correlation for all pairs, whose inverse
    is (I - rho / (1 + (k - 1) rho) 11') / (1 - rho) in units of the SDs.
    """
    if np.isinf(prior_dof):
        return np.ones(modality_counts.shape)
    common = correlation / (1 + np.maximum(modality_counts - 1, 0) * correlation)

    def inner_product(left: Floats, right: Floats) -> Floats:
        apart = np.nansum(left * right, axis=0) - common * np.nansum(left, axis=0) * np.nansum(right, axis=0)
        return np.asarray(apart / (1 - correlation))

    unit, scaled = 1 / sds, means / sds
    along = inner_product(scaled, unit)
    across = inner_product(unit, unit)
    squares = inner_product(scaled, scaled) - np.divide(
        along**2, across, out=np.zeros_like(along), where=across > 0
    )
    free = np.maximum(modality_counts - 1, 0)
    several = free > 0  # one value alone agrees with itself; rounding must not widen it
    ratio = np.ones(modality_counts.shape)
    np.divide(prior_dof + np.maximum(squares, 0), prior_dof + free, out=ratio, where=several)
    return np.maximum(1, ratio)

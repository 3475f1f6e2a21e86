"""Fusion of the affect of several modalities: a precision-weighted mean with a calibrated standard deviation.

Rows are (valence, arousal, valence_sd, arousal_sd), valence and arousal in [-1, 1]; a NaN abstains. The
weight of a modality is reliability / sd^2, its stated precision times its measured reliability, for each
dimension apart.

Errors of modalities are correlated, so that two that agree have a larger variance than two independent ones,
and the less precise of two gets less than its precision. Where modalities differ by more than their SDs
allow, the variance is inflated by the Birge ratio (Birge 1932, "The calculation of errors by the method of
least squares"), damped by prior degrees of freedom, because two values are little evidence. Random effects
(DerSimonian & Laird 1986) equalise the weights of modalities that differ, and were measured to be worse.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
PerDimension = tuple[float, float]
"""A number for valence and one for arousal."""

PRIOR_DEGREES_OF_FREEDOM = 3.0
"""Degrees of freedom of the prior that the stated SDs are right, against the Birge ratio."""

CORRELATION_SHRINKAGE = 0.5
"""Factor on the correlation in the weights. With the full correlation a modality whose SD is 1 / correlation
times that of another would have weight 0, even where the SDs are wrong; half has most of the gain."""


def precision_weighted_mean(
    estimates: Mapping[str, npt.ArrayLike],
    reliability: Mapping[str, PerDimension],
    *,
    correlation: float | PerDimension,
    prior_dof: float = PRIOR_DEGREES_OF_FREEDOM,
) -> Floats:
    """(n, 4) fused valence, arousal and their SDs, from rows (n, 4) by modality; NaN where all abstain.

    reliability: by modality, (valence, arousal) factors > 0 on the stated precisions: 4 means that the SDs
                 are twice too large, .25 that they are half of what they should be
    correlation: of the errors of any two modalities, [0, 1), for both dimensions or one each. Weights have
                 least variance (Aitken 1935) for CORRELATION_SHRINKAGE times it, and are never negative; for
                 0 they are reliability / sd^2
    prior_dof:   for k modalities the variance is multiplied by max(1, (prior_dof + Q) / (prior_dof + k - 1)),
                 Q being chi-squared with k - 1 degrees of freedom for correct SDs; 0 is the Birge ratio,
                 infinity ignores disagreement

    A single modality gives its own mean, and its SD over the root of its reliability. The mean lies between
    the modalities' values. Raises ValueError for no modalities, shapes that do not fit, an SD that is not
    positive, a modality without a reliability, or factors and correlations out of range.
    """
    value, sd, factor = _validate_estimates(estimates, reliability)
    rho = _validate_correlation(correlation)
    if not prior_dof >= 0:
        raise ValueError(f"the prior must be at least 0, not {prior_dof}")
    is_present = ~np.isnan(value)
    sd = sd / np.sqrt(factor)
    weight = _compute_weights(sd, rho)
    mean = np.where(is_present.any(axis=0), np.nansum(weight * value, axis=0), np.nan)
    weighted_sd = np.where(is_present, weight * sd, 0)
    variance = rho * weighted_sd.sum(axis=0) ** 2 + (1 - rho) * (weighted_sd**2).sum(axis=0)
    variance *= _compute_variance_inflation(value, sd, is_present.sum(axis=0), rho, prior_dof)
    fused_sd = np.where(is_present.any(axis=0), np.sqrt(variance), np.nan)
    return np.concatenate([mean, fused_sd], axis=1)


def compute_modality_weights(
    estimates: Mapping[str, npt.ArrayLike],
    reliability: Mapping[str, PerDimension],
    *,
    correlation: float | PerDimension = 0.0,
) -> dict[str, Floats]:
    """By modality, its weights (n, 2) in `precision_weighted_mean`, for valence and arousal.

    They sum to 1 over the modalities; 0 where a modality abstains, NaN where all do. The correlation must be
    that of the mean. Raises ValueError as `precision_weighted_mean`.
    """
    value, sd, factor = _validate_estimates(estimates, reliability)
    weights = _compute_weights(sd / np.sqrt(factor), _validate_correlation(correlation))
    is_missing = np.isnan(value).all(axis=0)
    return {name: np.where(is_missing, np.nan, part) for name, part in zip(estimates, weights, strict=True)}


def _validate_correlation(correlation: float | PerDimension) -> Floats:
    """(2,) of one number or two, else ValueError."""
    rho = np.array(np.broadcast_to(np.asarray(correlation, np.float64), 2))
    if not ((rho >= 0) & (rho < 1)).all():
        raise ValueError(f"a correlation is in [0, 1), not {correlation}")
    return rho


def _validate_estimates(
    estimates: Mapping[str, npt.ArrayLike], reliability: Mapping[str, PerDimension]
) -> tuple[Floats, Floats, Floats]:
    """Values (k, n, 2), SDs (k, n, 2) and factors (k, 1, 2) of k modalities; both NaN where one is."""
    if not estimates:
        raise ValueError("no senses")
    if lacking := [name for name in estimates if name not in reliability]:
        raise ValueError(f"no reliability of {', '.join(lacking)}")
    tables = [np.asarray(table, np.float64) for table in estimates.values()]
    if any(table.ndim != 2 or table.shape[1] != 4 or len(table) != len(tables[0]) for table in tables):
        raise ValueError(
            f"rows must be (n, 4) of one n, not {', '.join(str(table.shape) for table in tables)}"
        )
    stacked = np.stack(tables)
    is_missing = np.isnan(stacked[:, :, :2]) | np.isnan(stacked[:, :, 2:])
    value, sd = (np.where(is_missing, np.nan, part) for part in (stacked[:, :, :2], stacked[:, :, 2:]))
    factor = np.array([reliability[name] for name in estimates], np.float64)[:, None]
    if not (is_missing | (np.isfinite(value) & np.isfinite(sd) & (sd > 0))).all():
        raise ValueError("a value is infinite, or an SD not positive and finite")
    if factor.shape[1:] != (1, 2) or not (np.isfinite(factor) & (factor > 0)).all():
        raise ValueError(f"reliabilities must be two positive factors a sense, not {dict(reliability)}")
    return value, sd, factor


def _compute_weights(sds: Floats, correlation: Floats) -> Floats:
    """(k, n, 2) weights of least variance for errors with the shrunk correlation; they sum to 1, 0 where NaN.

    Modalities with a negative weight are left out, the least precise first.
    """
    is_present = ~np.isnan(sds)
    smallest = np.min(np.where(is_present, sds, np.inf), axis=0)
    # relative to the smallest SD, so that no square overflows
    inverse = np.where(is_present, np.where(is_present, smallest, 1) / np.where(is_present, sds, 1), 0)
    rho = CORRELATION_SHRINKAGE * correlation
    weight = np.zeros(sds.shape)
    for _ in sds:
        is_used = inverse > 0
        common = rho / (1 + np.maximum(is_used.sum(axis=0) - 1, 0) * rho)
        weight = inverse * (inverse - common * inverse.sum(axis=0))
        worst = np.where(is_used, inverse, np.inf).argmin(axis=0)
        is_dropped = (np.arange(len(sds))[:, None, None] == worst) & (weight < 0)
        inverse = np.where(is_dropped, 0, inverse)
    total = weight.sum(axis=0)
    return np.asarray(np.divide(weight, total, out=np.zeros_like(weight), where=total > 0))


def _compute_variance_inflation(
    means: Floats, sds: Floats, modality_counts: Floats, correlation: Floats, prior_dof: float
) -> Floats:
    """(n, 2) factors on the variance from the scatter of k values about their weighted mean, in SDs.

    Q = x' S^-1 x - (1' S^-1 x)^2 / (1' S^-1 1) for errors with one correlation rho for all pairs, for which
    S^-1 is (I - rho / (1 + (k - 1) rho) 11') / (1 - rho) in units of the SDs.
    """
    if np.isinf(prior_dof):
        return np.ones(modality_counts.shape)
    common = correlation / (1 + np.maximum(modality_counts - 1, 0) * correlation)

    def inner_product(left: Floats, right: Floats) -> Floats:
        products = np.nansum(left * right, axis=0)
        products = products - common * np.nansum(left, axis=0) * np.nansum(right, axis=0)
        return np.asarray(products / (1 - correlation))

    ones, x = 1 / sds, means / sds  # in units of the SDs
    cross = inner_product(x, ones)
    total = inner_product(ones, ones)
    explained = np.divide(cross**2, total, out=np.zeros_like(cross), where=total > 0)
    q = inner_product(x, x) - explained
    dof = np.maximum(modality_counts - 1, 0)
    ratio = np.ones(modality_counts.shape)
    # one value alone agrees with itself: rounding must not inflate its variance
    np.divide(prior_dof + np.maximum(q, 0), prior_dof + dof, out=ratio, where=dof > 0)
    return np.maximum(1, ratio)

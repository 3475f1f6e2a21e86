"""Variance between studies of an effect that each has measured with an error of its own: random effects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def estimate_between_variance(effects: npt.ArrayLike, variances: npt.ArrayLike) -> float:
    """The variance of true effects between k studies, at least 0, by moments (DerSimonian & Laird 1986).

    effects: (k,) measured; variances: (k,) of their errors, > 0. With few studies it is known badly: for four
    a 95 % interval spans a factor of 6 in the SD. Raises ValueError for fewer than two, and for a variance
    that is not positive.
    """
    effect, variance = np.asarray(effects, np.float64), np.asarray(variances, np.float64)
    if effect.ndim != 1 or effect.shape != variance.shape or len(effect) < 2:
        raise ValueError(f"two effects or more and as many variances, not {effect.shape}, {variance.shape}")
    if not (variance > 0).all():
        raise ValueError("a variance is positive")
    weight = 1 / variance
    mean = np.average(effect, weights=weight)
    heterogeneity = (weight * (effect - mean) ** 2).sum()  # Cochran's Q
    scale = weight.sum() - (weight**2).sum() / weight.sum()
    return float(max(0.0, (heterogeneity - len(effect) + 1) / scale))

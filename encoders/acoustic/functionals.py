"""Functionals: statistics over time of descriptors that are measured per frame (n, k).

The term is openSMILE's (Eyben et al. 2010): low-level descriptors per frame, functionals per clip.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders.acoustic.spectrum import EPSILON, Array

QUANTILES = (0.1, 0.5, 0.9)


def summarise(values: Array) -> Array:
    """Mean, standard deviation and three quantiles (5, k) of (n, k), n > 0."""
    return np.concatenate([[values.mean(axis=0), values.std(axis=0)], compute_quantiles(values, QUANTILES)])


def summarise_present(values: Array) -> Array:
    """The summary (5 k,) of the rows (n, k) without a NaN; zeros if every row has one."""
    present = values[~np.isnan(values).any(axis=1)]
    return summarise(present).ravel() if len(present) else np.zeros(5 * values.shape[1], np.float32)


def compute_quantiles(
    values: npt.NDArray[np.floating], probabilities: Sequence[float]
) -> npt.NDArray[np.floating]:
    """As np.quantile along the first axis, without its checks, which take longer than the work."""
    ordered = np.sort(values, axis=0)
    position = (len(ordered) - 1) * np.array(probabilities)
    below = position.astype(int)
    fraction = (position - below).reshape(-1, *[1] * (values.ndim - 1))
    above = np.minimum(below + 1, len(ordered) - 1)
    return ordered[below] * (1 - fraction) + ordered[above] * fraction


def compute_skewness(values: Array) -> Array:
    """Third standardised moment (k,) of (n, k)."""
    centred = values - values.mean(axis=0)
    square = centred * centred
    return np.asarray((square * centred).mean(axis=0) / (square.mean(axis=0) ** 1.5 + EPSILON))


def compute_mean_change(values: Array, lag: int) -> Array:
    """Mean absolute change (k,) of (n, k) over `lag` rows; zeros if there are no more rows than that."""
    if len(values) <= lag:
        return np.zeros(values.shape[1], np.float32)
    return np.asarray(np.abs(values[lag:] - values[:-lag]).mean(axis=0))


def compute_deltas(values: Array) -> Array:
    """Central differences (n, k) of (n, k); 0 in the first and the last row."""
    deltas = np.zeros_like(values)
    deltas[1:-1] = (values[2:] - values[:-2]) / 2
    return deltas


def smooth(values: Array, weights: npt.NDArray[np.float64]) -> Array:
    """Running mean (n,) of (n,) with an odd number of weights."""
    side = len(weights) // 2
    return np.convolve(np.pad(values, side, mode="edge"), weights / weights.sum(), mode="valid")

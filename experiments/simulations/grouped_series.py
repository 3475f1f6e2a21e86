"""Unrelated series in groups of unequal length, alike within a group: no relation, for tests by groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WARM_UP = 50  # rows of the autoregression before the first that is used


def draw_groups(rng: np.random.Generator, group_count: int, least: int, most: int) -> Ints:
    """(n,) the group of each row, for groups of `least` to `most` rows."""
    return np.repeat(np.arange(group_count), rng.integers(least, most + 1, group_count))


def draw_series(
    rng: np.random.Generator, groups: Ints, *, autocorrelation: float, group_share: float, width: int = 2
) -> Floats:
    """(n, width) of variance 1: a random effect of each group, and an AR(1) process within it.

    autocorrelation: of neighbouring rows within the group; group_share: of the variance between groups
    """
    sizes = np.bincount(groups)
    innovations = rng.normal(size=(sizes.max() + WARM_UP, len(sizes), width))
    scale = np.sqrt(1 - autocorrelation**2)
    process = lfilter([scale], [1, -autocorrelation], innovations, axis=0)[WARM_UP:]
    place = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    effects = rng.normal(size=(len(sizes), width))
    return np.asarray(
        np.sqrt(1 - group_share) * process[place, groups] + np.sqrt(group_share) * effects[groups]
    )

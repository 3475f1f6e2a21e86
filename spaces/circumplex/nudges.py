"""Nudges: words for a step on the valence-arousal plane, such as "calmer"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from spaces.circumplex.plane import DIMENSIONS, PRIOR_SD, Floats

NUDGES: Mapping[str, tuple[float, float]] = {
    "calmer": (0, -1),
    "more-intense": (0, 1),
    "sadder": (-1, 0),
    "brighter": (1, 0),
}
"""By name, the step in valence and arousal in units of PRIOR_SD: one standard deviation of the affect of
items, so that the step is neither within the error of most estimates nor across the whole plane."""


def compute_nudge(names: Iterable[str]) -> tuple[float, float]:
    """The step (valence, arousal) of several nudges together. Raises ValueError for opposites, KeyError for
    a name that is not in NUDGES.
    """
    steps = np.array([NUDGES[name] for name in dict.fromkeys(names)], np.float64).reshape(-1, 2)
    for dimension, column in zip(DIMENSIONS, steps.T, strict=True):
        if (column > 0).any() and (column < 0).any():
            raise ValueError(f"{dimension} is to be both higher and lower")
    valence, arousal = steps.sum(axis=0) * PRIOR_SD
    return float(valence), float(arousal)


def nudge_point(point: npt.ArrayLike, names: Iterable[str]) -> Floats:
    """(2,) a point (2 or more,) moved by nudges, kept on the plane. Raises as `compute_nudge`."""
    return np.clip(np.asarray(point, np.float64)[:2] + compute_nudge(names), -1, 1)

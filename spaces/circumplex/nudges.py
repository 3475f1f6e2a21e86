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
"""By name, the direction in valence and arousal."""
STEP_SDS = 2.0
"""Length of a step in units of PRIOR_SD, chosen with the weight of the mood (`retrieval.search.query`): of
steps of .5 to 3 and weights of .5 to .8, the ten results of more really moved as asked, by ratings, than of
others with as much of the content, on photos, music and voices of items other than those reported."""


def compute_nudge(names: Iterable[str]) -> tuple[float, float]:
    """The step (valence, arousal) of several nudges together. Raises ValueError for opposites, KeyError for
    a name that is not in NUDGES.
    """
    steps = np.array([NUDGES[name] for name in dict.fromkeys(names)], np.float64).reshape(-1, 2)
    for dimension, column in zip(DIMENSIONS, steps.T, strict=True):
        if (column > 0).any() and (column < 0).any():
            raise ValueError(f"{dimension} is to be both higher and lower")
    valence, arousal = STEP_SDS * steps.sum(axis=0) * PRIOR_SD
    return float(valence), float(arousal)


def nudge_point(point: npt.ArrayLike, names: Iterable[str]) -> Floats:
    """(2,) a point (2 or more,) moved by nudges, kept on the plane. Raises as `compute_nudge`."""
    return np.clip(np.asarray(point, np.float64)[:2] + compute_nudge(names), -1, 1)

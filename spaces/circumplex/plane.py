"""The valence-arousal plane (Russell 1980): rating scales, distances, reliability of estimates, quadrants.

A point is (valence, arousal), each in [-1, 1]: unpleasant to pleasant, calm to excited. Rows are points (n,
2), or points with the standard deviation of each dimension (n, 4). A missing point is NaN, never 0, which is
the neutral mood.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DIMENSIONS = ("valence", "arousal")

RATING_SCALES: Mapping[str, tuple[float, float]] = {
    "oasis": (1, 7),
    "emobank": (1, 5),
    "caav": (1, 9),
    "liris": (1, 5),
    "cowen-keltner": (1, 9),
    "warriner": (1, 9),
}
"""Lowest and highest rating of each data set's scale."""

PRIOR_MEAN = (0.0, 0.0)
PRIOR_SD = (0.4, 0.35)
"""Normal prior of an item's affect before any estimate: between OASIS (valence SD .43, arousal .26), CAAV
(.40, .38), Cowen and Keltner's videos (.49, .23), LIRIS-ACCEDE (.31, .48) and VGMIDI (.22, .23), whose means
lie within .27 of the middle, above and below it."""

QUADRANTS = ("happy-excited", "angry-afraid", "sad-bored", "calm-content")
"""Q1 to Q4, anticlockwise from pleasant and aroused."""


def rescale(ratings: npt.ArrayLike, low: float, high: float) -> Floats:
    """Ratings from `low` to `high`, of any shape, on [-1, 1]: `rescale(5.5, *RATING_SCALES["oasis"])`.

    Raises ValueError unless low < high.
    """
    if not low < high:
        raise ValueError(f"a scale goes up, not from {low} to {high}")
    return (2 * np.asarray(ratings, np.float64) - (low + high)) / (high - low)


def unscale(values: npt.ArrayLike, low: float, high: float) -> Floats:
    """Back from [-1, 1] to a scale; undoes `rescale` and raises as it does."""
    if not low < high:
        raise ValueError(f"a scale goes up, not from {low} to {high}")
    return (np.asarray(values, np.float64) * (high - low) + (low + high)) / 2


def distance(points: npt.ArrayLike, others: npt.ArrayLike) -> Floats:
    """Euclidean distances of points (..., 2) and (..., 2), their shapes broadcast; NaN where one is missing.

    Columns after the second (standard deviations) are ignored.
    """
    a, b = np.asarray(points, np.float64), np.asarray(others, np.float64)
    return np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])


def compute_reliability(sds: npt.ArrayLike) -> Floats:
    """(n,) reliability in [0, 1] of estimates with these SDs (n, 2): 1 for SD 0, towards 0 as the SD grows.

    The mean over both dimensions of the prior variance over the sum of prior and estimate variance.
    """
    return np.asarray(_compute_gain(sds).mean(axis=-1))


def _compute_gain(sds: npt.ArrayLike) -> Floats:
    """(n, 2) share of an estimate in its posterior mean, by dimension (a Kalman gain)."""
    prior, noise = np.square(PRIOR_SD), np.square(np.asarray(sds, np.float64))
    return np.asarray(prior / (prior + noise))


def combine_with_prior(rows: npt.ArrayLike) -> Floats:
    """(n, 4) mean and SDs of the normal posterior of affect, from estimates (n, 4) and the prior.

    An estimate without error stays as it is; the larger its SDs are, the nearer it moves to the prior.
    """
    mean, sds = np.split(np.asarray(rows, np.float64), 2, axis=-1)
    gain = _compute_gain(sds)
    posterior_sds = np.array(PRIOR_SD) * np.sqrt(1 - gain)
    return np.concatenate([gain * mean + (1 - gain) * np.array(PRIOR_MEAN), posterior_sds], axis=-1)


def is_uncertain(rows: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """(n,) whether estimates (n, 4) are less reliable than the prior: below 1/2. False for NaN."""
    return compute_reliability(np.asarray(rows, np.float64)[..., 2:]) < 0.5


def affinity(points: npt.ArrayLike, target: npt.ArrayLike, sds: npt.ArrayLike | None = None) -> Floats:
    """(n,) in (0, 1] match of points (n, 2) with a target (2,): the expected exp(-distance^2).

    The expectation, in closed form, is over the posterior of `combine_with_prior`: an uncertain estimate on
    the target ranks below a certain one near it, and above a certain one far from it; one of which nothing is
    known has the affinity of the prior. On held-out photos and voices the first ten are nearer to the target
    by their ratings than by the distance alone, see `python -m experiments.bench mood`.

    sds: (n, 2) the SD of each dimension; by default the last two columns of rows (n, 4), or none, and then
         the points count as exact
    NaN rows stay NaN. Raises ValueError for a target that is not a finite (2,).
    """
    rows, target_point = np.asarray(points, np.float64), np.asarray(target, np.float64)
    if target_point.shape != (2,) or not np.isfinite(target_point).all():
        raise ValueError(f"a target is (valence, arousal), not {target_point}")
    if sds is None and rows.shape[-1] == 4:
        sds = rows[..., 2:]
    if sds is None:
        return _compute_expected_similarity(rows - target_point, np.zeros(2))
    posterior = combine_with_prior(np.concatenate([rows[..., :2], np.asarray(sds, np.float64)], axis=-1))
    return _compute_expected_similarity(posterior[..., :2] - target_point, posterior[..., 2:])


def compute_prior_affinity(target: npt.ArrayLike) -> float:
    """The affinity to a target (2,) of an item of which nothing is known: its mean over the prior."""
    offset = np.array(PRIOR_MEAN) - np.asarray(target, np.float64)
    return float(_compute_expected_similarity(offset, np.array(PRIOR_SD)))


def _compute_expected_similarity(offsets: Floats, sds: Floats) -> Floats:
    """(n,) expected exp(-|x|^2) of x (2,) that is normal about offsets (n, 2) with SDs (n, 2) or (2,)."""
    spread = 1 + 2 * sds**2
    return np.asarray(np.prod(np.exp(-(offsets**2) / spread) / np.sqrt(spread), axis=-1))


@cache
def make_normal_nodes() -> Floats:
    """(961, 2) equally weighted quadrature nodes of the standard normal distribution on the plane."""
    quantiles = [NormalDist().inv_cdf((node + 0.5) / 31) for node in range(31)]
    return np.stack(np.meshgrid(quantiles, quantiles), axis=-1).reshape(-1, 2)


def find_quadrants(points: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """(n,) the name in QUADRANTS of each point (n, 2 or more); 0 counts as positive, NaN gives ""."""
    rows = np.atleast_2d(np.asarray(points, np.float64))[:, :2]
    pleasant, aroused = rows[:, 0] >= 0, rows[:, 1] >= 0
    number = np.where(aroused, np.where(pleasant, 0, 1), np.where(pleasant, 3, 2))
    return np.where(np.isnan(rows).any(axis=1), "", np.array(QUADRANTS)[number])

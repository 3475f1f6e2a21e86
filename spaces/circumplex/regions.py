"""The probability that an uncertain point of the valence-arousal plane lies within a disc."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spaces.circumplex.plane import Floats

NODE_COUNT = 32
"""Of the Gauss-Legendre rule along valence. For SDs of .02 and more errors are below 2e-5 up to a radius of
.4, and below .006 up to one of 2."""
BOUND_MARGIN = 0.006  # of the errors above
MAX_Z = 6.0  # SDs from the mean beyond which a normal distribution has nothing
MAX_RADIUS = 2.0  # the plane is 2 wide and 2 high


def compute_disc_probability(rows: npt.ArrayLike, centre: npt.ArrayLike, radius: float) -> Floats:
    """(n,) probability in [0, 1] that points lie within `radius` of `centre` (2,); NaN for a missing row.

    rows: (n, 4) valence, arousal and their SDs > 0: the mean and SDs of independent normal distributions

    Integrates numerically over valence the probability of arousal on the chord of the disc, with
    valence = centre + radius sin(t), which is smooth at both ends. Raises ValueError unless radius > 0.
    """
    from scipy.special import ndtr  # takes .3 s to import, which other commands need not pay

    if not radius > 0:
        raise ValueError(f"a radius is above 0, not {radius}")
    mean, sd = np.split(np.asarray(rows, np.float64), 2, axis=-1)
    offset = mean - np.asarray(centre, np.float64)
    low, high = (
        np.arcsin(np.clip((offset[:, 0] + sign * MAX_Z * sd[:, 0]) / radius, -1, 1)) for sign in (-1, 1)
    )
    nodes, node_weights = np.polynomial.legendre.leggauss(NODE_COUNT)
    total = np.zeros(len(mean))
    for node, weight in zip(nodes, node_weights, strict=True):  # node by node, so that memory stays O(n)
        angle = low + (high - low) * (node + 1) / 2
        half_chord = radius * np.cos(angle)
        z = (radius * np.sin(angle) - offset[:, 0]) / sd[:, 0]
        density = np.exp(-(z**2) / 2) / (np.sqrt(2 * np.pi) * sd[:, 0])
        on_chord = ndtr((half_chord - offset[:, 1]) / sd[:, 1]) - ndtr(
            (-half_chord - offset[:, 1]) / sd[:, 1]
        )
        total += weight * density * on_chord * half_chord
    return np.asarray(np.clip(total * (high - low) / 2, 0, 1))


def bound_disc_probability(rows: npt.ArrayLike, centre: npt.ArrayLike, radius: float) -> Floats:
    """(n,) no less than `compute_disc_probability`, in a tenth of the time: of the square around the disc."""
    from scipy.special import ndtr  # see above

    mean, sd = np.split(np.asarray(rows, np.float64), 2, axis=-1)
    offset = mean - np.asarray(centre, np.float64)
    inside = ndtr((radius - offset) / sd) - ndtr((-radius - offset) / sd)
    return np.asarray(np.minimum(inside[:, 0] * inside[:, 1] + BOUND_MARGIN, 1))

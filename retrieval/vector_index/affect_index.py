"""An exact index of the valence-arousal plane, for points with uncertainty.

The log of the affinity of an estimate, a normal with mean m and SD s in each dimension, to a target t is
the sum over both dimensions of -log(1 + 2 s^2) / 2 - (m - t)^2 / (1 + 2 s^2); see
`spaces.circumplex.affinity`. Where all have the same SDs that is a distance, and a k-d tree (Bentley 1975)
finds the nearest; so estimates of about the same SDs share a tree, and bounds of the SDs in a tree tell
which others could be better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

BINS_PER_DIMENSION = 4  # of the SDs
MIN_BINNED_POINTS = 2000  # fewer share one tree
TOLERANCE = 1e-9  # of log affinities, which are rounded


@dataclass(frozen=True, kw_only=True)
class _Tree:
    """Estimates of similar SDs: positions (n,), a tree of their means times `scale` (2,), and a bound.

    max_log_peak: the largest log affinity that one of them has to its own mean
    """

    members: Positions
    tree: Any
    scale: Floats
    max_log_peak: float


class AffectIndex:
    """Finds the estimates with the highest affinity to a point.

    Estimates are rows (n, 4) of valence, arousal and their SDs, after `spaces.circumplex.combine_with_prior`;
    rows with NaN are never found.
    """

    def __init__(self, estimates: npt.ArrayLike) -> None:
        rows = np.asarray(estimates, np.float64)
        self._means, widths = rows[:, :2], 1 + 2 * rows[:, 2:] ** 2
        self._weights, self._log_peaks = 1 / widths, -0.5 * np.log(widths).sum(axis=1)
        present = np.flatnonzero(~np.isnan(rows).any(axis=1))
        self.point_count = len(present)
        self._trees = [self._make_tree(members) for members in _bin_by_width(self._weights, present)]

    def _make_tree(self, members: Positions) -> _Tree:
        scale = np.sqrt(self._weights[members].min(axis=0))
        return _Tree(
            members=members,
            tree=cKDTree(self._means[members] * scale, balanced_tree=False, compact_nodes=False),
            scale=scale,
            max_log_peak=float(self._log_peaks[members].max()),
        )

    def find_nearest(self, target: npt.ArrayLike, k: int) -> Positions:
        """Positions, ascending, of the k estimates with the highest affinity, and of all that tie with them.

        All are given where there are no more than k.
        """
        point = np.asarray(target, np.float64)
        if k >= self.point_count:
            return np.sort(np.concatenate([np.empty(0, np.int64), *(tree.members for tree in self._trees)]))
        near = np.concatenate([self._find_in_tree(tree, point, k) for tree in self._trees])
        bound = _find_kth_largest(self._compute_log_affinities(near, point), k)  # there are k as good
        better = np.concatenate([self._find_within(tree, point, bound) for tree in self._trees])
        log_affinities = self._compute_log_affinities(better, point)
        return np.sort(better[log_affinities >= _find_kth_largest(log_affinities, k)])

    def _find_in_tree(self, tree: _Tree, point: Floats, k: int) -> Positions:
        """The k nearest of a tree by its own distance."""
        count = min(k, len(tree.members))
        indices = tree.tree.query(point * tree.scale, k=np.arange(1, count + 1))[1]
        return tree.members[np.atleast_1d(indices)]

    def _find_within(self, tree: _Tree, point: Floats, bound: float) -> Positions:
        """Members of a tree, among them all with a log affinity of at least `bound`."""
        margin = tree.max_log_peak - bound
        if margin < 0:
            return np.empty(0, np.int64)
        return tree.members[tree.tree.query_ball_point(point * tree.scale, margin**0.5)]

    def _compute_log_affinities(self, positions: Positions, point: Floats) -> Floats:
        offsets = self._means[positions] - point
        return np.asarray(self._log_peaks[positions] - (offsets**2 * self._weights[positions]).sum(axis=1))


def _find_kth_largest(values: Floats, k: int) -> float:
    """Less a tolerance."""
    return float(np.partition(values, len(values) - k)[len(values) - k]) - TOLERANCE


def _bin_by_width(weights: Floats, positions: Positions) -> list[Positions]:
    """`positions` (n,) into weights (m, 2), in groups of about the same weights in both dimensions."""
    if len(positions) < MIN_BINNED_POINTS:
        return [positions] if len(positions) else []
    shares = np.linspace(0, 1, BINS_PER_DIMENSION + 1)[1:-1]
    bins = np.zeros(len(positions), np.int64)
    for column in weights[positions].T:
        bins = bins * BINS_PER_DIMENSION + np.searchsorted(np.quantile(column, shares), column)
    order = np.argsort(bins, kind="stable")
    return list(np.split(positions[order], np.flatnonzero(np.diff(bins[order])) + 1))

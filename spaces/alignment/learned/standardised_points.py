"""Points of several copies side by side, standardised, and the linear solutions training starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spaces.alignment.steps import AffineMap, Floats, select_complete_pairs
from spaces.ridge_regression import solve_primal_ridge
from spaces.standardisation import compute_scale

Float32Points = npt.NDArray[np.float32]
OptionalPoints = tuple[Sequence[npt.ArrayLike] | None, Sequence[npt.ArrayLike] | None]

MIN_RELATIVE_EIGENVALUE = 1e-3  # of a covariance's largest: directions that vary less are not scaled up to 1
RIDGE_PENALTY = 0.01  # per anchor, of the ridge regression that training starts from


@dataclass(frozen=True, kw_only=True, eq=False)
class StandardisedPoints:
    """Points (b, n, d) in b copies, their mean and scale (b, d), and the points standardised."""

    rows: Floats
    mean: Floats
    scale: Floats
    standardised: Float32Points

    @classmethod
    def from_rows(cls, rows: Sequence[Floats]) -> StandardisedPoints:
        """Of b arrays (n, d)."""
        stacked = np.stack(rows)
        mean, scale = stacked.mean(axis=1), np.stack([compute_scale(copy) for copy in stacked])
        standard = (stacked - mean[:, None]) / scale[:, None]
        return cls(rows=stacked, mean=mean, scale=scale, standardised=standard.astype(np.float32))

    def solve_ridge(self, targets: StandardisedPoints) -> Float32Points:
        """(b, d, k) ridge regression onto other points (b, n, k); the identity onto the same points."""
        if targets.rows is self.rows:
            width = self.rows.shape[2]
            return np.broadcast_to(np.eye(width, dtype=np.float32), (len(self.rows), width, width))
        return solve_primal_ridge(self.standardised, targets.standardised, RIDGE_PENALTY * self.rows.shape[1])

    def make_inverse_standardiser(self, copy_index: int) -> AffineMap:
        """The map from a copy's standardised points to its points."""
        return AffineMap(weight=np.diag(self.scale[copy_index]), bias=self.mean[copy_index])


def standardise_pairs(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], inputs: OptionalPoints
) -> tuple[list[StandardisedPoints], list[StandardisedPoints]]:
    """Both modalities' points, and the inputs of their models: the same objects where no inputs are given.

    Raises ValueError for anchors of different shapes, or inputs that are not one row per complete pair.
    """
    if not sources or len(sources) != len(targets):
        raise ValueError(f"{len(sources)} sources and {len(targets)} targets; one each a copy is needed")
    pairs = [
        select_complete_pairs(source, target, min_pairs=3)
        for source, target in zip(sources, targets, strict=True)
    ]
    if len({(source.shape, target.shape) for source, target in pairs}) != 1:
        raise ValueError("copies trained side by side need anchors of one shape")
    points = [StandardisedPoints.from_rows([pair[side] for pair in pairs]) for side in (0, 1)]
    return points, [_standardise_inputs(own, rows) for own, rows in zip(points, inputs, strict=True)]


def _standardise_inputs(
    points: StandardisedPoints, inputs: Sequence[npt.ArrayLike] | None
) -> StandardisedPoints:
    if inputs is None:
        return points
    rows = [np.asarray(copy, np.float64) for copy in inputs]
    if len(rows) != len(points.rows) or any(len(copy) != points.rows.shape[1] for copy in rows):
        raise ValueError("inputs must be one row for every complete pair of readings")
    return StandardisedPoints.from_rows(rows)


def compute_initial_weights(
    source: Float32Points, target: Float32Points
) -> tuple[Float32Points, Float32Points]:
    """(b, p, k) and (b, q, k) that whiten both modalities and rotate them onto each other."""
    source_whitening, target_whitening = _compute_whitening(source), _compute_whitening(target)
    product = np.swapaxes(source @ source_whitening, 1, 2) @ (target @ target_whitening)
    left, _, right = np.linalg.svd(product, full_matrices=False)
    if source.shape[2] >= target.shape[2]:  # the target's own axes
        return source_whitening @ left @ right, target_whitening
    return source_whitening, target_whitening @ np.swapaxes(left @ right, 1, 2)


def _compute_whitening(rows: Float32Points) -> Float32Points:
    """(b, d, d) symmetric maps that give standardised rows (b, n, d) unit covariance."""
    values, vectors = np.linalg.eigh(np.swapaxes(rows, 1, 2) @ rows / rows.shape[1])
    values = np.maximum(values, MIN_RELATIVE_EIGENVALUE * values[:, -1:])
    return np.asarray((vectors / np.sqrt(values)[:, None]) @ np.swapaxes(vectors, 1, 2))

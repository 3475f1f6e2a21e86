"""Maps by mean, spread, rotation and scale: Procrustes analysis, and its simpler baselines.

Rows are points: a rotation R is applied as points @ R, as in scipy.linalg.orthogonal_procrustes(A, B), whose
R minimises ||A R - B|| (Schönemann 1966).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.spatial

from spaces.alignment.steps import (
    AffineMap,
    AlignmentMap,
    Floats,
    select_complete_pairs,
)
from spaces.standardisation import compute_scale


@dataclass(frozen=True, kw_only=True, eq=False)
class ProcrustesResult:
    """The result of scipy.spatial.procrustes, as the circumplex report used it (section 10).

    source, target: (n, d) both centred with Tr(M M') = 1, the source rotated and scaled onto the target
    disparity:      M^2, the sum of squared distances, 0 to 1
    """

    source: Floats
    target: Floats
    disparity: float

    @property
    def cosine(self) -> float:
        """The average cosine the report derives from the disparity."""
        return compute_average_cosine(self.disparity)


def run_procrustes(source: npt.ArrayLike, target: npt.ArrayLike) -> ProcrustesResult:
    """scipy's Procrustes analysis of paired points (n, d). Raises ValueError as `select_complete_pairs`."""
    x, y = _require_equal_widths(*select_complete_pairs(source, target))
    # scipy rotates its second argument onto the first
    fixed, rotated, disparity = scipy.spatial.procrustes(y, x)
    return ProcrustesResult(source=rotated, target=fixed, disparity=float(disparity))


def compute_average_cosine(disparity: float) -> float:
    """Section 10.4: with vectors of one length, sin(a/2) = sqrt(M^2) / 2 and cos a = 1 - M^2 / 2.

    A disparity of .96 gives .52. It is not a correlation: unrelated clouds (M^2 near 1) still have about .5.
    """
    return 1 - 2 * (np.sqrt(disparity) / 2) ** 2


def fit_identity(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """The identity, the baseline of every other map."""
    x, _ = _require_equal_widths(*select_complete_pairs(source, target))
    identity = AffineMap(weight=np.eye(x.shape[1]), bias=np.zeros(x.shape[1]))
    return AlignmentMap(name="identity", forward=identity, backward=identity)


def fit_z_score(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Map each axis to the mean and standard deviation of the target's axis, whichever points are paired."""
    x, y = _require_equal_widths(*select_complete_pairs(source, target))
    ratio = compute_scale(y) / compute_scale(x)
    forward = AffineMap(weight=np.diag(ratio), bias=y.mean(axis=0) - x.mean(axis=0) * ratio)
    return AlignmentMap(name="z-score", forward=forward, backward=forward.inverse)


def fit_orthogonal(
    source: npt.ArrayLike, target: npt.ArrayLike, *, allow_reflection: bool = True, seed: int = 0
) -> AlignmentMap:
    """The rotation about the origin, reflected where that fits better and is allowed; no shift, no scale.

    With `allow_reflection` it is scipy.linalg.orthogonal_procrustes(source, target).
    """
    x, y = _require_equal_widths(*select_complete_pairs(source, target))
    rotation, _ = solve_rotation(x.T @ y, allow_reflection=allow_reflection)
    zeros = np.zeros(len(rotation))
    return AlignmentMap(
        name="orthogonal",
        forward=AffineMap(weight=rotation, bias=zeros),
        backward=AffineMap(weight=rotation.T, bias=zeros),
        notes=describe_rotation(rotation),
    )


def fit_similarity(
    source: npt.ArrayLike, target: npt.ArrayLike, *, allow_reflection: bool = True, seed: int = 0
) -> AlignmentMap:
    """Shift, rotation and one scale (Gower 1975): scipy.spatial.procrustes carried to new points.

    On its anchors, ||forward(source) - target||^2 over the target's scatter is scipy's disparity where
    reflections are allowed.
    """
    x, y = _require_equal_widths(*select_complete_pairs(source, target))
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x, y = x - x_mean, y - y_mean
    rotation, trace = solve_rotation(x.T @ y, allow_reflection=allow_reflection)
    x_scatter, y_scatter = float((x**2).sum()), float((y**2).sum())
    scale = trace / x_scatter if x_scatter > 0 else 1.0
    forward = AffineMap(weight=scale * rotation, bias=y_mean - scale * x_mean @ rotation)
    disparity = 1 - trace**2 / (x_scatter * y_scatter) if x_scatter > 0 and y_scatter > 0 else 1.0
    notes = {**describe_rotation(rotation), "scale": scale, "disparity": disparity}
    return AlignmentMap(name="similarity", forward=forward, backward=forward.inverse, notes=notes)


def solve_rotation(cross_product: Floats, *, allow_reflection: bool) -> tuple[Floats, float]:
    """The R (d, d) that maximises trace(R' product), and that trace, for a product A' B (d, d).

    Without reflections the sign of the least singular direction is flipped where necessary (Kabsch 1976).
    """
    left, values, right = np.linalg.svd(cross_product)
    signs = np.ones(len(values))
    if not allow_reflection and np.linalg.det(left @ right) < 0:
        signs[-1] = -1
    return (left * signs) @ right, float(values @ signs)


def describe_rotation(rotation: Floats) -> dict[str, Any]:
    """Whether a rotation reflects and, in the plane, its angle in degrees."""
    notes: dict[str, Any] = {"reflection": bool(np.linalg.det(rotation) < 0)}
    if rotation.shape == (2, 2):
        # for rows of points, R = [[cos, sin], [-sin, cos]] rotates anticlockwise
        notes["degrees"] = float(np.degrees(np.arctan2(rotation[0, 1], rotation[0, 0])))
    return notes


def _require_equal_widths(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    if source.shape != target.shape:
        raise ValueError(f"this map needs two of one width, not {source.shape[1]} and {target.shape[1]}")
    return source, target

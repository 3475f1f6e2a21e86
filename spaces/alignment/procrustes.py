"""Maps by mean, spread, rotation and scale: what Procrustes analysis finds, and what is simpler than it.

Rows are points: a rotation R is applied as points @ R, which is the direction of
scipy.linalg.orthogonal_procrustes(A, B), the R that makes ||A R - B|| least (Schönemann 1966).
"""

from __future__ import annotations

from collections.abc import Sequence
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
    validate_points,
)
from spaces.standardisation import compute_scale

MAX_ITERATIONS = 100  # of generalised Procrustes, at most
CONVERGENCE_TOLERANCE = 1e-12  # change of the consensus, relative, at which it stops


@dataclass(frozen=True, kw_only=True, eq=False)
class ProcrustesResult:
    """What scipy.spatial.procrustes gives of two clouds, as the circumplex report used it (section 10).

    source, target: (n, d) both centred with Tr(M M') = 1, turned and scaled onto each other
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
    """scipy's Procrustes analysis of paired points (n, d) and (n, d). Raises ValueError as `anchors` does."""
    one, other = _require_equal_widths(*select_complete_pairs(source, target))
    # scipy turns its second argument onto the first
    still, turned, disparity = scipy.spatial.procrustes(other, one)
    return ProcrustesResult(source=turned, target=still, disparity=float(disparity))


def compute_average_cosine(disparity: float) -> float:
    """Section 10.4: with vectors of one length, sin(a/2) = sqrt(M^2) / 2 and cos a = 1 - M^2 / 2.

    A disparity of .96 gives .52. It is no correlation: unrelated clouds (M^2 near 1) still have about .5.
    """
    return 1 - 2 * (np.sqrt(disparity) / 2) ** 2


def fit_identity(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """The coordinates as they are, which is what every other map must beat."""
    one, _ = _require_equal_widths(*select_complete_pairs(source, target))
    still = AffineMap(weight=np.eye(one.shape[1]), bias=np.zeros(one.shape[1]))
    return AlignmentMap(name="identity", forward=still, backward=still)


def fit_z_score(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Each axis to the mean and standard deviation of the target's axis; pairs play no part in it."""
    one, other = _require_equal_widths(*select_complete_pairs(source, target))
    ratio = compute_scale(other) / compute_scale(one)
    across = AffineMap(weight=np.diag(ratio), bias=other.mean(axis=0) - one.mean(axis=0) * ratio)
    return AlignmentMap(name="z-score", forward=across, backward=across.inverse)


def fit_orthogonal(
    source: npt.ArrayLike, target: npt.ArrayLike, *, allow_reflection: bool = True, seed: int = 0
) -> AlignmentMap:
    """The rotation about the origin, with a reflection where that is better and allowed; no shift, no scale.

    With `allow_reflection` it is scipy.linalg.orthogonal_procrustes(source, target).
    """
    one, other = _require_equal_widths(*select_complete_pairs(source, target))
    turn, _ = solve_rotation(one.T @ other, allow_reflection=allow_reflection)
    across = AffineMap(weight=turn, bias=np.zeros(len(turn)))
    return AlignmentMap(
        name="orthogonal",
        forward=across,
        backward=AffineMap(weight=turn.T, bias=across.bias),
        notes=describe_rotation(turn),
    )


def fit_similarity(
    source: npt.ArrayLike, target: npt.ArrayLike, *, allow_reflection: bool = True, seed: int = 0
) -> AlignmentMap:
    """Shift, rotation and one scale (Gower 1975): scipy.spatial.procrustes carried to new points.

    On its anchors, ||across(source) - target||^2 over the target's scatter is scipy's disparity where
    `allow_reflection` is allowed.
    """
    one, other = _require_equal_widths(*select_complete_pairs(source, target))
    here, there = one.mean(axis=0), other.mean(axis=0)
    centred, wanted = one - here, other - there
    turn, strength = solve_rotation(centred.T @ wanted, allow_reflection=allow_reflection)
    around, about = float((centred**2).sum()), float((wanted**2).sum())
    scale = strength / around if around > 0 else 1.0
    across = AffineMap(weight=scale * turn, bias=there - scale * here @ turn)
    disparity = 1 - strength**2 / (around * about) if around > 0 and about > 0 else 1.0
    notes = {**describe_rotation(turn), "scale": scale, "disparity": disparity}
    return AlignmentMap(name="similarity", forward=across, backward=across.inverse, notes=notes)


def solve_rotation(cross_product: Floats, *, allow_reflection: bool) -> tuple[Floats, float]:
    """(d, d) R that makes trace(R' product) largest, and that trace, for a product A' B (d, d).

    Without reflections the least singular direction is turned over where need be (Kabsch 1976).
    """
    left, values, right = np.linalg.svd(cross_product)
    signs = np.ones(len(values))
    if not allow_reflection and np.linalg.det(left @ right) < 0:
        signs[-1] = -1
    return (left * signs) @ right, float(values @ signs)


def describe_rotation(rotation: Floats) -> dict[str, Any]:
    """Whether a turn reflects, and its angle in degrees in the plane (of what is left without reflection)."""
    told: dict[str, Any] = {"reflection": bool(np.linalg.det(rotation) < 0)}
    if rotation.shape == (2, 2):
        # as points @ R with rows: R = [[cos, sin], [-sin, cos]] turns anticlockwise
        told["degrees"] = float(np.degrees(np.arctan2(rotation[0, 1], rotation[0, 0])))
    return told


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneralisedProcrustes:
    """Several senses' clouds superimposed on their mean (Gower 1975).

    consensus: (n, d)
    maps:      one a sense, from its coordinates into the consensus'
    disparity: scatter about the consensus as a share of all scatter, 0 to 1
    iteration_count: how many it took
    """

    consensus: Floats
    maps: tuple[AlignmentMap, ...]
    disparity: float
    iteration_count: int

    def compose_map(self, source: int, target: int) -> AlignmentMap:
        """The map from one sense's coordinates to another's, by way of the consensus.

        Raises ValueError where the target's map can't be inverted.
        """
        onto, off = self.maps[source].forward, self.maps[target].backward
        if not isinstance(onto, AffineMap) or not isinstance(off, AffineMap):
            raise ValueError(f"the map of sense {target} can't be inverted")
        across = onto.then(off)
        return AlignmentMap(name="generalised", forward=across, backward=across.inverse)


def fit_generalised_procrustes(
    clouds: Sequence[npt.ArrayLike], *, allow_reflection: bool = True
) -> GeneralisedProcrustes:
    """Generalised Procrustes analysis of two or more (n, d) of the same n things.

    Every cloud is centred and turned onto the mean of all, in turn, until that settles; the scales come from
    the leading eigenvector of the clouds' products, total scatter held (ten Berge 1977). The rows complete in
    all are used.

    Raises ValueError for fewer than two clouds, shapes that differ, or fewer than two complete rows.
    """
    known = [validate_points(cloud) for cloud in clouds]
    if len(known) < 2 or len({cloud.shape for cloud in known}) != 1:
        raise ValueError(f"two or more clouds of one shape are needed: {[cloud.shape for cloud in known]}")
    whole = ~np.isnan(np.stack(known)).any(axis=(0, 2))
    if whole.sum() < 2:
        raise ValueError(f"{int(whole.sum())} rows are complete in all clouds; at least 2 are needed")
    means = [cloud[whole].mean(axis=0) for cloud in known]
    centred = np.stack([cloud[whole] - mean for cloud, mean in zip(known, means, strict=True)])  # (m, n, d)
    size = np.sqrt((centred**2).sum(axis=(1, 2)))
    if not (size > 0).all():
        raise ValueError("a cloud does not vary")
    total = float((size**2).mean())
    turns = np.tile(np.eye(centred.shape[2]), (len(known), 1, 1))
    scales = np.sqrt(total) / size
    placed, last, rounds = scales[:, None, None] * centred, np.inf, 0
    while rounds < MAX_ITERATIONS:
        rounds += 1
        for at in range(len(known)):
            others = placed.sum(axis=0) - placed[at]
            turns[at], _ = solve_rotation(centred[at].T @ others, allow_reflection=allow_reflection)
            placed[at] = scales[at] * centred[at] @ turns[at]
        flat = (placed / (scales * size)[:, None, None]).reshape(len(known), -1)
        leading = np.abs(np.linalg.eigh(flat @ flat.T)[1][:, -1])
        scales = leading * np.sqrt(len(known) * total) / size
        placed = scales[:, None, None] * (centred @ turns)
        consensus = placed.mean(axis=0)
        left = float(((placed - consensus) ** 2).sum() / (placed**2).sum())
        if last - left < CONVERGENCE_TOLERANCE:
            break
        last = left
    maps = []
    for turn, scale, mean in zip(turns, scales, means, strict=True):
        across = AffineMap(weight=scale * turn, bias=-scale * mean @ turn)
        notes = {**describe_rotation(turn), "scale": float(scale)}
        maps.append(AlignmentMap(name="generalised", forward=across, backward=across.inverse, notes=notes))
    return GeneralisedProcrustes(
        consensus=consensus, maps=tuple(maps), disparity=left, iteration_count=rounds
    )


def _require_equal_widths(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    if source.shape != target.shape:
        raise ValueError(f"this map needs two of one width, not {source.shape[1]} and {target.shape[1]}")
    return source, target

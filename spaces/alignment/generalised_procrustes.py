"""Generalised Procrustes analysis (Gower 1975): several modalities' points superimposed on their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spaces.alignment.procrustes import describe_rotation, solve_rotation
from spaces.alignment.steps import AffineMap, AlignmentMap, Floats, validate_points

MAX_ITERATIONS = 100
CONVERGENCE_TOLERANCE = 1e-12  # decrease of the disparity in one iteration at which it stops


@dataclass(frozen=True, kw_only=True, eq=False)
class GeneralisedProcrustes:
    """The superimposed points of several modalities.

    consensus:       (n, d) their mean
    maps:            one per modality, from its coordinates into those of the consensus
    disparity:       scatter about the consensus as a share of all scatter, 0 to 1
    iteration_count: iterations until convergence
    """

    consensus: Floats
    maps: tuple[AlignmentMap, ...]
    disparity: float
    iteration_count: int

    def compose_map(self, source: int, target: int) -> AlignmentMap:
        """The map from one modality's coordinates to another's, by way of the consensus.

        Raises ValueError where the target's map can't be inverted.
        """
        to_consensus, from_consensus = self.maps[source].forward, self.maps[target].backward
        if not isinstance(to_consensus, AffineMap) or not isinstance(from_consensus, AffineMap):
            raise ValueError(f"the map of sense {target} can't be inverted")
        forward = to_consensus.then(from_consensus)
        return AlignmentMap(name="generalised", forward=forward, backward=forward.inverse)


def fit_generalised_procrustes(
    clouds: Sequence[npt.ArrayLike], *, allow_reflection: bool = True
) -> GeneralisedProcrustes:
    """Superimpose two or more sets of points (n, d) of the same n items.

    Every set is centred and rotated onto the mean of the others, in turn, until convergence; the scales come
    from the leading eigenvector of the sets' products, with the total scatter fixed (ten Berge 1977). Rows
    that are incomplete in any set are left out.

    Raises ValueError for fewer than two sets, shapes that differ, or fewer than two complete rows.
    """
    rows = _select_complete_rows(clouds)
    means = [cloud.mean(axis=0) for cloud in rows]
    centred = np.stack([cloud - mean for cloud, mean in zip(rows, means, strict=True)])  # (m, n, d)
    rotations, scales, disparity, iterations = _superimpose(centred, allow_reflection=allow_reflection)
    maps = []
    for rotation, scale, mean in zip(rotations, scales, means, strict=True):
        forward = AffineMap(weight=scale * rotation, bias=-scale * mean @ rotation)
        notes = {**describe_rotation(rotation), "scale": float(scale)}
        maps.append(AlignmentMap(name="generalised", forward=forward, backward=forward.inverse, notes=notes))
    consensus = (scales[:, None, None] * (centred @ rotations)).mean(axis=0)
    return GeneralisedProcrustes(
        consensus=consensus, maps=tuple(maps), disparity=disparity, iteration_count=iterations
    )


def _select_complete_rows(clouds: Sequence[npt.ArrayLike]) -> list[Floats]:
    points = [validate_points(cloud) for cloud in clouds]
    if len(points) < 2 or len({cloud.shape for cloud in points}) != 1:
        raise ValueError(f"two or more clouds of one shape are needed: {[cloud.shape for cloud in points]}")
    is_complete = ~np.isnan(np.stack(points)).any(axis=(0, 2))
    if is_complete.sum() < 2:
        raise ValueError(f"{int(is_complete.sum())} rows are complete in all clouds; at least 2 are needed")
    return [cloud[is_complete] for cloud in points]


def _superimpose(centred: Floats, *, allow_reflection: bool) -> tuple[Floats, Floats, float, int]:
    """Rotations (m, d, d), scales (m,), disparity and iteration count for centred points (m, n, d)."""
    count = len(centred)
    norms = np.sqrt((centred**2).sum(axis=(1, 2)))
    if not (norms > 0).all():
        raise ValueError("a cloud does not vary")
    total = float((norms**2).mean())
    rotations = np.tile(np.eye(centred.shape[2]), (count, 1, 1))
    scales = np.sqrt(total) / norms
    mapped, previous, disparity, iterations = scales[:, None, None] * centred, np.inf, np.inf, 0
    while iterations < MAX_ITERATIONS:
        iterations += 1
        for at in range(count):
            others = mapped.sum(axis=0) - mapped[at]
            rotations[at], _ = solve_rotation(centred[at].T @ others, allow_reflection=allow_reflection)
            mapped[at] = scales[at] * centred[at] @ rotations[at]
        flat = (mapped / (scales * norms)[:, None, None]).reshape(count, -1)
        leading = np.abs(np.linalg.eigh(flat @ flat.T)[1][:, -1])
        scales = leading * np.sqrt(count * total) / norms
        mapped = scales[:, None, None] * (centred @ rotations)
        consensus = mapped.mean(axis=0)
        disparity = float(((mapped - consensus) ** 2).sum() / (mapped**2).sum())
        if previous - disparity < CONVERGENCE_TOLERANCE:
            break
        previous = disparity
    return rotations, scales, disparity, iterations

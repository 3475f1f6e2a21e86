"""A linear map in words that can be read: matrix, shift, rotation, reflection, scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spaces.alignment.steps import AffineMap, AlignmentMap, Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class AffineDecomposition:
    """points @ weight + bias, and the parts of the weight (p, q).

    scales:   (min(p, q),) the singular values, largest first; equal ones are a similarity
    reflects: whether the nearest orthogonal matrix is a reflection; None between two widths
    degrees:  in the plane, its anticlockwise angle, -180 to 180; of a reflection that of the mirror line,
        -90 to 90; None elsewhere
    """

    weight: Floats
    bias: Floats
    scales: Floats
    reflects: bool | None
    degrees: float | None


def decompose_map(fitted_map: AlignmentMap) -> AffineDecomposition | None:
    """The parts of a map's way to the target's coordinates; None where it is not affine.

    The nearest orthogonal matrix is that of the polar decomposition (Higham 1986), which of a similarity is
    its own rotation or reflection.
    """
    forward = fitted_map.forward
    if not isinstance(forward, AffineMap):
        return None
    left, scales, right = np.linalg.svd(forward.weight, full_matrices=False)
    reflects, degrees = None, None
    if forward.weight.shape[0] == forward.weight.shape[1]:
        orthogonal = left @ right
        reflects = bool(np.linalg.det(orthogonal) < 0)
        if orthogonal.shape == (2, 2):
            # rows are points: [[cos, sin], [-sin, cos]] rotates, [[cos, sin], [sin, -cos]] mirrors
            angle = float(np.degrees(np.arctan2(orthogonal[0, 1], orthogonal[0, 0])))
            degrees = angle / 2 if reflects else angle
    return AffineDecomposition(
        weight=forward.weight, bias=forward.bias, scales=scales, reflects=reflects, degrees=degrees
    )

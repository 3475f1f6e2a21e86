"""What a fitted map is made of: steps from points (n, p) to points (n, q), as plain numpy.

A row with a NaN is a missing reading; it stays NaN through every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spaces.ridge_regression import gaussian_kernel

Floats = npt.NDArray[np.float64]

MAX_CONDITION_NUMBER = 1e10  # condition number from which a matrix is not inverted
MAX_KERNEL_VALUES = 1 << 22  # kernel values held at a time


class MapStep(Protocol):
    """Points (n, p) to points (n, q)."""

    def __call__(self, points: Floats) -> Floats:
        """(n, q) of (n, p)."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class AffineMap:
    """points @ weight (p, q) + bias (q,)."""

    weight: Floats
    bias: Floats

    def __call__(self, points: Floats) -> Floats:
        """(n, q) of (n, p)."""
        out = points @ self.weight
        out += self.bias
        return out

    @property
    def inverse(self) -> AffineMap | None:
        """The map back; None unless the weight is square and regular."""
        if (
            self.weight.shape[0] != self.weight.shape[1]
            or not np.linalg.cond(self.weight) < MAX_CONDITION_NUMBER
        ):
            return None
        weight = np.asarray(np.linalg.inv(self.weight), np.float64)
        return AffineMap(weight=weight, bias=-self.bias @ weight)

    def then(self, other: AffineMap) -> AffineMap:
        """Both as one, this one first."""
        return AffineMap(weight=self.weight @ other.weight, bias=self.bias @ other.weight + other.bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelMap:
    """A Gaussian kernel's likeness to centres, weighed: exp(-gamma ||z - centre||^2) @ weight + bias.

    mean, scale: (p,) z is (point - mean) / scale
    centres:     (m, p), so standardised
    weight:      (m, q)
    """

    mean: Floats
    scale: Floats
    centres: Floats
    gamma: float
    weight: Floats
    bias: Floats

    def __call__(self, points: Floats) -> Floats:
        """(n, q) of (n, p)."""
        step = max(1, MAX_KERNEL_VALUES // len(self.centres))
        parts = [points[start : start + step] for start in range(0, max(1, len(points)), step)]
        return np.concatenate([self._map_chunk(part) for part in parts])

    def _map_chunk(self, points: Floats) -> Floats:
        near = gaussian_kernel((points - self.mean) / self.scale, self.centres, self.gamma)
        return np.asarray(near @ self.weight + self.bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkMap:
    """A straight part and one hidden layer beside it: z @ straight + tanh(z @ inner + offset) @ outer + bias.

    mean, scale: (p,) z is (point - mean) / scale
    straight:    (p, q); inner (p, h), offset (h,), outer (h, q); a linear network has h = 0
    """

    mean: Floats
    scale: Floats
    straight: Floats
    inner: Floats
    offset: Floats
    outer: Floats
    bias: Floats

    def __call__(self, points: Floats) -> Floats:
        """(n, q) of (n, p)."""
        z = (points - self.mean) / self.scale
        return np.asarray(z @ self.straight + np.tanh(z @ self.inner + self.offset) @ self.outer + self.bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChainedMap:
    """Steps one after the other."""

    steps: tuple[AffineMap | KernelMap | NetworkMap, ...]

    def __call__(self, points: Floats) -> Floats:
        """(n, q) of (n, p)."""
        for step in self.steps:
            points = step(points)
        return points


PointMap = AffineMap | KernelMap | NetworkMap | ChainedMap


@dataclass(frozen=True, kw_only=True, eq=False)
class AlignmentMap:
    """A fitted map between the coordinates of two senses, the source (p) and the target (q).

    forward: source to the target's own coordinates, in which it is judged: a map that shrinks both senses
            towards one point gains nothing there
    backward: target to source, where that is possible
    source_to_common, target_to_common: into the space where both meet, in which they are compared; None for
        the target's own coordinates, which the source then enters by `forward`
    notes:  numbers worth telling: scale, angle, whether it reflects, what was chosen
    """

    name: str
    forward: PointMap
    backward: PointMap | None = None
    source_to_common: PointMap | None = None
    target_to_common: PointMap | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def transform(self, points: npt.ArrayLike) -> Floats:
        """(n, q) of the source's points (n, p). Raises ValueError for another width."""
        return apply_map(self.forward, points)

    def inverse_transform(self, points: npt.ArrayLike) -> Floats:
        """(n, p) of the target's points (n, q). Raises ValueError where the map can't be inverted."""
        if self.backward is None:
            raise ValueError(f"{self.name} can't be inverted")
        return apply_map(self.backward, points)

    def project_source(self, points: npt.ArrayLike) -> Floats:
        """(n, k) of the source's points (n, p), where the target's are `meet_target`."""
        return apply_map(self.forward if self.source_to_common is None else self.source_to_common, points)

    def project_target(self, points: npt.ArrayLike) -> Floats:
        """(n, k) of the target's points (n, q)."""
        return (
            validate_points(points)
            if self.target_to_common is None
            else apply_map(self.target_to_common, points)
        )


def apply_map(point_map: PointMap, points: npt.ArrayLike) -> Floats:
    """Points through a step; a row with any NaN comes out as NaN. Raises ValueError for another width."""
    known = validate_points(points)
    if known.shape[1] != get_input_dim(point_map):
        raise ValueError(f"points must be (n, {get_input_dim(point_map)}), not {known.shape}")
    if isinstance(point_map, AffineMap):  # a product spreads a NaN over its row by itself
        return point_map(known)
    out = point_map(known)
    out[np.isnan(known).any(axis=1)] = np.nan
    return out


def get_input_dim(point_map: PointMap) -> int:
    """How many columns a step reads."""
    if isinstance(point_map, ChainedMap):
        return get_input_dim(point_map.steps[0])
    return len(point_map.weight) if isinstance(point_map, AffineMap) else len(point_map.mean)


def validate_points(points: npt.ArrayLike) -> Floats:
    """Points as float64 (n, d), else ValueError."""
    known = np.asarray(points, np.float64)
    if known.ndim != 2 or known.shape[1] == 0:
        raise ValueError(f"points must be (n, d), not {known.shape}")
    return known


def select_complete_pairs(
    source: npt.ArrayLike, target: npt.ArrayLike, min_pairs: int = 2
) -> tuple[Floats, Floats]:
    """Paired points (n, p), (n, q), those without a NaN on either side.

    Raises ValueError for points that don't pair, an infinite one, or fewer than `min_pairs` complete pairs.
    """
    one, other = validate_points(source), validate_points(target)
    if len(one) != len(other):
        raise ValueError(f"anchors must pair, not {one.shape} and {other.shape}")
    here = ~(np.isnan(one).any(axis=1) | np.isnan(other).any(axis=1))
    if here.sum() < min_pairs:
        raise ValueError(f"{int(here.sum())} complete pairs of anchors; at least {min_pairs} are needed")
    one, other = one[here], other[here]
    if np.isinf(one).any() or np.isinf(other).any():
        raise ValueError("anchors must be finite")
    return one, other

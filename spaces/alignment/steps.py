"""The parts of a fitted map, from points (n, p) to points (n, q), in plain numpy.

A row with a NaN is missing; it stays NaN through every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from spaces.ridge_regression import gaussian_kernel

Floats = npt.NDArray[np.float64]

MAX_CONDITION_NUMBER = 1e10  # from which a matrix is not inverted
MAX_KERNEL_VALUES = 1 << 22  # computed at a time, to bound memory


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
        """The inverse map; None unless the weight is square and well conditioned."""
        if (
            self.weight.shape[0] != self.weight.shape[1]
            or not np.linalg.cond(self.weight) < MAX_CONDITION_NUMBER
        ):
            return None
        weight = np.asarray(np.linalg.inv(self.weight), np.float64)
        return AffineMap(weight=weight, bias=-self.bias @ weight)

    def then(self, other: AffineMap) -> AffineMap:
        """This map followed by the other, as one."""
        return AffineMap(weight=self.weight @ other.weight, bias=self.bias @ other.weight + other.bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class KernelMap:
    """A weighted sum of Gaussian kernels: exp(-gamma ||z - centre||^2) @ weight + bias.

    mean, scale: (p,) z is (point - mean) / scale
    centres:     (m, p), standardised in the same way
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
        chunks = [points[start : start + step] for start in range(0, max(1, len(points)), step)]
        return np.concatenate([self._map_chunk(chunk) for chunk in chunks])

    def _map_chunk(self, points: Floats) -> Floats:
        kernel = gaussian_kernel((points - self.mean) / self.scale, self.centres, self.gamma)
        return np.asarray(kernel @ self.weight + self.bias)


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkMap:
    """A linear map plus one hidden layer: z @ straight + tanh(z @ inner + offset) @ outer + bias.

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
    """Steps in sequence."""

    steps: tuple[AffineMap | KernelMap | NetworkMap, ...]

    def __call__(self, points: Floats) -> Floats:
        """(n, q) of (n, p)."""
        for step in self.steps:
            points = step(points)
        return points


PointMap = AffineMap | KernelMap | NetworkMap | ChainedMap


def compose(first: PointMap, second: PointMap) -> PointMap:
    """The map that applies `first`, then `second`."""
    if isinstance(first, AffineMap) and isinstance(second, AffineMap):
        return first.then(second)
    steps = [
        step
        for point_map in (first, second)
        for step in (point_map.steps if isinstance(point_map, ChainedMap) else (point_map,))
    ]
    return ChainedMap(steps=tuple(steps))


@dataclass(frozen=True, kw_only=True, eq=False)
class AlignmentMap:
    """A fitted map between the coordinates of two modalities, the source (p) and the target (q).

    forward:  source to the target's own coordinates, in which it is evaluated: a map that shrinks both
              modalities towards one point gains nothing there
    backward: target to source, where that is possible
    source_to_common, target_to_common: into the common space in which both are compared; None for the
        target's own coordinates, to which `forward` maps the source
    notes:    numbers for reports: scale, angle, whether it reflects, chosen parameters
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
        """(n, k) of the source's points (n, p), in the common space; of the target, `project_target`."""
        return apply_map(self.forward if self.source_to_common is None else self.source_to_common, points)

    def project_target(self, points: npt.ArrayLike) -> Floats:
        """(n, k) of the target's points (n, q) in the common space."""
        return (
            validate_points(points)
            if self.target_to_common is None
            else apply_map(self.target_to_common, points)
        )


def apply_map(point_map: PointMap, points: npt.ArrayLike) -> Floats:
    """(n, q) of points (n, p); a row with any NaN gives NaN. Raises ValueError for another width."""
    rows = validate_points(points)
    if rows.shape[1] != get_input_dim(point_map):
        raise ValueError(f"points must be (n, {get_input_dim(point_map)}), not {rows.shape}")
    if isinstance(point_map, AffineMap):  # a matrix product spreads a NaN over its row by itself
        return point_map(rows)
    out = point_map(rows)
    out[np.isnan(rows).any(axis=1)] = np.nan
    return out


def get_input_dim(point_map: PointMap) -> int:
    """Number of input columns."""
    if isinstance(point_map, ChainedMap):
        return get_input_dim(point_map.steps[0])
    return len(point_map.weight) if isinstance(point_map, AffineMap) else len(point_map.mean)


def validate_points(points: npt.ArrayLike) -> Floats:
    """Points as float64 (n, d), else ValueError."""
    rows = np.asarray(points, np.float64)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"points must be (n, d), not {rows.shape}")
    return rows


def select_complete_pairs(
    source: npt.ArrayLike, target: npt.ArrayLike, min_pairs: int = 2
) -> tuple[Floats, Floats]:
    """The pairs of points (n, p), (n, q) without a NaN on either side.

    Raises ValueError for points that don't pair, an infinite one, or fewer than `min_pairs` complete pairs.
    """
    x, y = validate_points(source), validate_points(target)
    if len(x) != len(y):
        raise ValueError(f"anchors must pair, not {x.shape} and {y.shape}")
    is_complete = ~(np.isnan(x).any(axis=1) | np.isnan(y).any(axis=1))
    if is_complete.sum() < min_pairs:
        raise ValueError(
            f"{int(is_complete.sum())} complete pairs of anchors; at least {min_pairs} are needed"
        )
    x, y = x[is_complete], y[is_complete]
    if np.isinf(x).any() or np.isinf(y).any():
        raise ValueError("anchors must be finite")
    return x, y

"""A named method of alignment; one that needs equal widths is fitted on principal components otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from spaces.alignment.steps import AffineMap, AlignmentMap, Floats, compose, select_complete_pairs
from spaces.standardisation import compute_scale

MethodKind = Literal["none", "linear", "curved"]

MAX_STRETCH = 10.0  # largest factor on a mapped axis: beyond it the axis is noise
MAX_COMPONENTS = 10  # principal components of points of two widths, for maps that need equal widths


class FitFunction(Protocol):
    """Fits a map on paired anchors (n, p) and (n, q)."""

    def __call__(self, source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
        """Raises ValueError for anchors that do not allow a fit."""
        ...


@dataclass(frozen=True, kw_only=True)
class AlignmentMethod:
    """A named method of alignment.

    kind:        "none" ignores which points are paired, "linear" and "curved" use it
    description: a few words for reports
    needs_equal_widths: whether source and target must have one width; otherwise the principal components of
        each are aligned
    restores_scale: whether mapped points get the target's mean and spread back in the common space. Least
        squares shrinks uncertain points towards the mean, which would make them nearest to all others
    fit_batch:   fits several sets of anchors of one shape at once, where that is faster
    """

    name: str
    kind: MethodKind
    fit_one: FitFunction
    description: str
    needs_equal_widths: bool = False
    restores_scale: bool = False
    fit_batch: Callable[..., list[AlignmentMap]] | None = None

    def fit(self, source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
        """The map fitted on paired anchors (n, p), (n, q); incomplete pairs are left out.

        Raises ValueError for anchors that do not allow a fit.
        """
        x, y = select_complete_pairs(source, target)
        if self.needs_equal_widths and x.shape[1] != y.shape[1]:
            return self._finish(_fit_in_components(self.fit_one, x, y, seed), x, y)
        return self._finish(self.fit_one(x, y, seed=seed), x, y)

    def fit_many(
        self, sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[AlignmentMap]:
        """The map of each of several sets of anchors. Raises ValueError as `fit` does."""
        if self.fit_batch is None:
            return [self.fit(x, y, seed=seed) for x, y in zip(sources, targets, strict=True)]
        maps = self.fit_batch(sources, targets, seed=seed)
        return [
            self._finish(fitted_map, *select_complete_pairs(x, y))
            for fitted_map, x, y in zip(maps, sources, targets, strict=True)
        ]

    def _finish(self, fitted_map: AlignmentMap, source_points: Floats, target_points: Floats) -> AlignmentMap:
        source = fitted_map.source_to_common
        if self.restores_scale:
            mapped, target = (
                fitted_map.project_source(source_points),
                fitted_map.project_target(target_points),
            )
            source = compose(fitted_map.forward if source is None else source, _match_scale(mapped, target))
        return replace(fitted_map, name=self.name, source_to_common=source)


def _match_scale(mapped_points: Floats, target_points: Floats) -> AffineMap:
    """Map each axis of mapped anchors (n, q) to the mean and standard deviation of the target's axis."""
    ratio = np.minimum(compute_scale(target_points) / compute_scale(mapped_points), MAX_STRETCH)
    return AffineMap(
        weight=np.diag(ratio), bias=target_points.mean(axis=0) - mapped_points.mean(axis=0) * ratio
    )


def _fit_in_components(
    fit: FitFunction, source_points: Floats, target_points: Floats, seed: int
) -> AlignmentMap:
    """A map between the first principal components of both sides, as many as the narrower has."""
    count = min(source_points.shape[1], target_points.shape[1], MAX_COMPONENTS)
    source_pca, target_pca = _fit_pca(source_points, count), _fit_pca(target_points, count)
    fitted = fit(source_pca(source_points), target_pca(target_points), seed=seed)
    target_inverse = AffineMap(weight=target_pca.weight.T, bias=target_points.mean(axis=0))
    to_common = fitted.forward if fitted.source_to_common is None else fitted.source_to_common
    return AlignmentMap(
        name=fitted.name,
        forward=compose(compose(source_pca, fitted.forward), target_inverse),
        source_to_common=compose(source_pca, to_common),
        target_to_common=(
            target_pca if fitted.target_to_common is None else compose(target_pca, fitted.target_to_common)
        ),
        notes={**fitted.notes, "components": count},
    )


def _fit_pca(points: Floats, count: int) -> AffineMap:
    """The map to the first `count` principal components, padded with zeros where there are fewer points."""
    mean = points.mean(axis=0)
    axes = np.linalg.svd(points - mean, full_matrices=False)[2][:count].T
    if axes.shape[1] < count:
        axes = np.pad(axes, ((0, 0), (0, count - axes.shape[1])))
    return AffineMap(weight=axes, bias=-mean @ axes)

"""Every map between emotion spaces by name, and how one that needs equal widths is given them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from spaces.alignment import linear, procrustes
from spaces.alignment.steps import (
    AffineMap,
    AlignmentMap,
    ChainedMap,
    Floats,
    PointMap,
    select_complete_pairs,
)
from spaces.standardisation import compute_scale

MethodKind = Literal["none", "linear", "curved"]

MAX_STRETCH = 10.0  # times a mapped axis is stretched, at most: beyond it is noise
MAX_COMPONENTS = 10  # of blocks of two widths, for maps that need one: principal components, at most


class FitFunction(Protocol):
    """Fits a map on paired anchors (n, p) and (n, q)."""

    def __call__(self, source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
        """Raises ValueError for anchors it can't be fitted on."""
        ...


@dataclass(frozen=True, kw_only=True)
class AlignmentMethod:
    """One way to align.

    kind:   "none" looks at no pairs, "linear" and "curved" do
    needs_equal_widths: whether it needs both of one width; otherwise principal components of each are aligned
    restores_scale: whether it draws what it is unsure of towards the mean, as least squares does; where
        both meet the source then gets the target's mean and spread back, lest all be nearest to the middle
    fit_batch: fits several sets of anchors of one shape side by side, where that is quicker
    description: what it does, in a few words
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

        Raises ValueError for anchors it can't be fitted on.
        """
        one, other = select_complete_pairs(source, target)
        if self.needs_equal_widths and one.shape[1] != other.shape[1]:
            return self._finish(_fit_in_components(self.fit_one, one, other, seed), one, other)
        return self._finish(self.fit_one(one, other, seed=seed), one, other)

    def fit_many(
        self, sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[AlignmentMap]:
        """The map of each of several sets of anchors. Raises ValueError as `fit` does."""
        if self.fit_batch is None:
            return [self.fit(one, other, seed=seed) for one, other in zip(sources, targets, strict=True)]
        maps = self.fit_batch(sources, targets, seed=seed)
        return [
            self._finish(one, *select_complete_pairs(*pair))
            for one, pair in zip(maps, zip(sources, targets, strict=True), strict=True)
        ]

    def _finish(self, fitted_map: AlignmentMap, source_points: Floats, target_points: Floats) -> AlignmentMap:
        source = fitted_map.source_to_common
        if self.restores_scale:
            way = fitted_map.forward if source is None else source
            source = _compose(
                way,
                _match_scale(
                    fitted_map.project_source(source_points), fitted_map.project_target(target_points)
                ),
            )
        return replace(fitted_map, name=self.name, source_to_common=source)


def make_closed_form_methods() -> dict[str, AlignmentMethod]:
    """The maps with a solution in closed form, in the order of a report."""
    rows = [
        AlignmentMethod(
            name="identity",
            kind="none",
            fit_one=procrustes.fit_identity,
            needs_equal_widths=True,
            description="coordinates as they are",
        ),
        AlignmentMethod(
            name="z-score",
            kind="none",
            fit_one=procrustes.fit_z_score,
            needs_equal_widths=True,
            description="mean and SD of each axis",
        ),
        AlignmentMethod(
            name="rotation",
            kind="linear",
            fit_one=partial(procrustes.fit_orthogonal, allow_reflection=False),
            needs_equal_widths=True,
            description="orthogonal Procrustes without reflection",
        ),
        AlignmentMethod(
            name="orthogonal",
            kind="linear",
            fit_one=procrustes.fit_orthogonal,
            needs_equal_widths=True,
            description="orthogonal Procrustes, scipy.linalg.orthogonal_procrustes",
        ),
        AlignmentMethod(
            name="similarity",
            kind="linear",
            fit_one=partial(procrustes.fit_similarity, allow_reflection=False),
            needs_equal_widths=True,
            restores_scale=True,
            description="shift, scale and rotation without reflection",
        ),
        AlignmentMethod(
            name="procrustes",
            kind="linear",
            fit_one=procrustes.fit_similarity,
            needs_equal_widths=True,
            restores_scale=True,
            description="scipy.spatial.procrustes carried to new points: "
            "shift, scale, rotation or reflection",
        ),
        AlignmentMethod(
            name="affine",
            kind="linear",
            restores_scale=True,
            fit_one=linear.fit_affine,
            description="least squares",
        ),
        AlignmentMethod(
            name="ridge",
            kind="linear",
            restores_scale=True,
            fit_one=linear.fit_ridge,
            description="least squares with a penalty",
        ),
        AlignmentMethod(
            name="CCA", kind="linear", fit_one=linear.fit_cca, description="canonical correlation"
        ),
        AlignmentMethod(
            name="PLS",
            kind="linear",
            restores_scale=True,
            fit_one=linear.fit_pls,
            description="partial least squares",
        ),
        AlignmentMethod(
            name="kernel ridge",
            kind="curved",
            restores_scale=True,
            fit_one=linear.fit_kernel_ridge,
            fit_batch=linear.fit_kernel_ridges,
            description="ridge in a Gaussian kernel",
        ),
    ]
    return {row.name: row for row in rows}


def make_learned_methods(loss: Callable[..., Any]) -> dict[str, AlignmentMethod]:
    """The maps learnt by steps, from the report's loss: of a2, i2, f1(a1), f2(i1), their mean."""

    def fit_mapping(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
        return fit_mappings([source], [target], seed=seed)[0]

    def fit_mappings(
        sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[AlignmentMap]:
        from spaces.alignment.learned import fit_joint_mappings

        return [found.mapping for found in fit_joint_mappings(sources, targets, loss=loss, seed=seed)]

    def fit_mlp(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
        return fit_mlps([source], [target], seed=seed)[0]

    def fit_mlps(
        sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[AlignmentMap]:
        from spaces.alignment.learned import fit_networks

        return fit_networks(sources, targets, seed=seed)

    rows = [
        AlignmentMethod(
            name="learned mapping", kind="curved", fit_one=fit_mapping, fit_batch=fit_mappings,
            description="both models learnt again, the report's section 9.2",
        ),
        AlignmentMethod(
            name="MLP", kind="curved", restores_scale=True, fit_one=fit_mlp, fit_batch=fit_mlps,
            description="one hidden layer, least squares",
        ),
    ]  # fmt: skip
    return {row.name: row for row in rows}


def _match_scale(mapped_points: Floats, target_points: Floats) -> AffineMap:
    """Each axis of mapped anchors (n, q) to the mean and spread of the target's."""
    ratio = np.minimum(compute_scale(target_points) / compute_scale(mapped_points), MAX_STRETCH)
    return AffineMap(
        weight=np.diag(ratio), bias=target_points.mean(axis=0) - mapped_points.mean(axis=0) * ratio
    )


def _fit_in_components(
    fit: FitFunction, source_points: Floats, target_points: Floats, seed: int
) -> AlignmentMap:
    """The principal components of each side, as many as the narrower has, aligned with each other."""
    count = min(source_points.shape[1], target_points.shape[1], MAX_COMPONENTS)
    into, there = _fit_pca(source_points, count), _fit_pca(target_points, count)
    found = fit(into(source_points), there(target_points), seed=seed)
    home = AffineMap(weight=there.weight.T, bias=target_points.mean(axis=0))
    notes: Mapping[str, Any] = {**found.notes, "components": count}
    return AlignmentMap(
        name=found.name,
        forward=_compose(_compose(into, found.forward), home),
        source_to_common=_compose(
            into, found.forward if found.source_to_common is None else found.source_to_common
        ),
        target_to_common=there if found.target_to_common is None else _compose(there, found.target_to_common),
        notes=notes,
    )


def _fit_pca(points: Floats, count: int) -> AffineMap:
    mean = points.mean(axis=0)
    axes = np.linalg.svd(points - mean, full_matrices=False)[2][:count].T
    if axes.shape[1] < count:  # fewer anchors than components
        axes = np.pad(axes, ((0, 0), (0, count - axes.shape[1])))
    return AffineMap(weight=axes, bias=-mean @ axes)


def _compose(first: PointMap, second: PointMap) -> PointMap:
    if isinstance(first, AffineMap) and isinstance(second, AffineMap):
        return first.then(second)
    steps = [
        step for link in (first, second) for step in (link.steps if isinstance(link, ChainedMap) else (link,))
    ]
    return ChainedMap(steps=tuple(steps))

"""Every map between emotion spaces by name, and how one that needs equal widths is given them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from spaces.alignment import linear, procrustes
from spaces.alignment.steps import Affine, Aligned, Chain, Floats, Link, anchors, spread

Kind = Literal["none", "linear", "curved"]

MOST_EVENED = 10.0  # times a mapped axis is stretched, at most: beyond it is noise
COMPONENTS = 10  # of blocks of two widths, for maps that need one: principal components, at most


class Fit(Protocol):
    """Fits a map on paired anchors (n, p) and (n, q)."""

    def __call__(self, source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
        """Raises ValueError for anchors it can't be fitted on."""
        ...


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to align.

    kind:   "none" looks at no pairs, "linear" and "curved" do
    square: whether it needs both of one width; otherwise principal components of each are aligned
    evens:  whether it draws what it is unsure of towards the mean, as least squares does; where both meet the
            source then gets the target's mean and spread back, lest all be nearest to the middle
    many:   fits several sets of anchors of one shape side by side, where that is quicker
    told:   what it does, in a few words
    """

    name: str
    kind: Kind
    fit_one: Fit
    told: str
    square: bool = False
    evens: bool = False
    many: Callable[..., list[Aligned]] | None = None

    def fit(self, source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
        """The map fitted on paired anchors (n, p), (n, q); incomplete pairs are left out.

        Raises ValueError for anchors it can't be fitted on.
        """
        one, other = anchors(source, target)
        if self.square and one.shape[1] != other.shape[1]:
            return self._finished(_in_components(self.fit_one, one, other, seed), one, other)
        return self._finished(self.fit_one(one, other, seed=seed), one, other)

    def fit_many(
        self, sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[Aligned]:
        """The map of each of several sets of anchors. Raises ValueError as `fit` does."""
        if self.many is None:
            return [self.fit(one, other, seed=seed) for one, other in zip(sources, targets, strict=True)]
        maps = self.many(sources, targets, seed=seed)
        return [
            self._finished(one, *anchors(*pair))
            for one, pair in zip(maps, zip(sources, targets, strict=True), strict=True)
        ]

    def _finished(self, aligned: Aligned, one: Floats, other: Floats) -> Aligned:
        source = aligned.source
        if self.evens:
            way = aligned.across if source is None else source
            source = _after(way, _evening(aligned.meet_source(one), aligned.meet_target(other)))
        return replace(aligned, name=self.name, source=source)


def closed_methods() -> dict[str, Method]:
    """The maps with a solution in closed form, in the order of a report."""
    rows = [
        Method(
            name="identity", kind="none", fit_one=procrustes.identity, square=True, told="coordinates as they are"
        ),
        Method(
            name="z-score", kind="none", fit_one=procrustes.z_score, square=True, told="mean and SD of each axis"
        ),
        Method(
            name="rotation", kind="linear", fit_one=partial(procrustes.orthogonal, reflect=False), square=True,
            told="orthogonal Procrustes without reflection",
        ),
        Method(
            name="orthogonal", kind="linear", fit_one=procrustes.orthogonal, square=True,
            told="orthogonal Procrustes, scipy.linalg.orthogonal_procrustes",
        ),
        Method(
            name="similarity", kind="linear", fit_one=partial(procrustes.similarity, reflect=False),
            square=True, evens=True, told="shift, scale and rotation without reflection",
        ),
        Method(
            name="procrustes", kind="linear", fit_one=procrustes.similarity, square=True, evens=True,
            told="scipy.spatial.procrustes carried to new points: shift, scale, rotation or reflection",
        ),
        Method(name="affine", kind="linear", evens=True, fit_one=linear.affine, told="least squares"),
        Method(
            name="ridge", kind="linear", evens=True, fit_one=linear.ridge, told="least squares with a penalty"
        ),
        Method(name="CCA", kind="linear", fit_one=linear.cca, told="canonical correlation"),
        Method(name="PLS", kind="linear", evens=True, fit_one=linear.pls, told="partial least squares"),
        Method(
            name="kernel ridge", kind="curved", evens=True, fit_one=linear.kernel_ridge,
            many=linear.kernel_ridge_many, told="ridge in a Gaussian kernel",
        ),
    ]  # fmt: skip
    return {row.name: row for row in rows}


def learned_methods(loss: Callable[..., Any]) -> dict[str, Method]:
    """The maps learnt by steps, from the report's loss: of a2, i2, f1(a1), f2(i1), their mean."""

    def one(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
        return several([source], [target], seed=seed)[0]

    def several(
        sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[Aligned]:
        from spaces.alignment.learned import joint_many

        return [found.aligned for found in joint_many(sources, targets, loss=loss, seed=seed)]

    def small(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
        return smalls([source], [target], seed=seed)[0]

    def smalls(
        sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
    ) -> list[Aligned]:
        from spaces.alignment.learned import network_many

        return network_many(sources, targets, seed=seed)

    rows = [
        Method(
            name="learned mapping", kind="curved", fit_one=one, many=several,
            told="both models learnt again, the report's section 9.2",
        ),
        Method(
            name="MLP", kind="curved", evens=True, fit_one=small, many=smalls,
            told="one hidden layer, least squares",
        ),
    ]  # fmt: skip
    return {row.name: row for row in rows}


def _evening(mapped: Floats, target: Floats) -> Affine:
    """Each axis of mapped anchors (n, q) to the mean and spread of the target's."""
    ratio = np.minimum(spread(target) / spread(mapped), MOST_EVENED)
    return Affine(weight=np.diag(ratio), bias=target.mean(axis=0) - mapped.mean(axis=0) * ratio)


def _in_components(fit: Fit, one: Floats, other: Floats, seed: int) -> Aligned:
    """The principal components of each side, as many as the narrower has, aligned with each other."""
    count = min(one.shape[1], other.shape[1], COMPONENTS)
    into, there = _components(one, count), _components(other, count)
    found = fit(into(one), there(other), seed=seed)
    home = Affine(weight=there.weight.T, bias=other.mean(axis=0))
    notes: Mapping[str, Any] = {**found.notes, "components": count}
    return Aligned(
        name=found.name,
        across=_after(_after(into, found.across), home),
        source=_after(into, found.across if found.source is None else found.source),
        target=there if found.target is None else _after(there, found.target),
        notes=notes,
    )


def _components(rows: Floats, count: int) -> Affine:
    mean = rows.mean(axis=0)
    axes = np.linalg.svd(rows - mean, full_matrices=False)[2][:count].T
    if axes.shape[1] < count:  # fewer anchors than components
        axes = np.pad(axes, ((0, 0), (0, count - axes.shape[1])))
    return Affine(weight=axes, bias=-mean @ axes)


def _after(first: Link, second: Link) -> Link:
    if isinstance(first, Affine) and isinstance(second, Affine):
        return first.then(second)
    steps = [
        step for link in (first, second) for step in (link.steps if isinstance(link, Chain) else (link,))
    ]
    return Chain(steps=tuple(steps))

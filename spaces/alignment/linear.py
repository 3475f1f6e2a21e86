"""Maps by regression and correlation: affine, ridge, CCA, PLS, kernel ridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spaces.alignment.steps import Affine, Aligned, Floats, Kernel, anchors, spread
from spaces.joint.kernel_ridge import kernel_ridge as on_centres
from spaces.joint.space import gaussian

PENALTIES = np.logspace(-4, 2, 13)  # of the ridge, an anchor
WIDTHS = (0.1, 0.3, 1.0)  # of the kernel, exp(-width / d * ||x - y||^2)
STIFFNESS = np.logspace(-3, 1.5, 10)  # penalties of the kernel ridge
CENTRES = 300  # of the kernel, at most
COMPONENTS = 8  # of CCA and PLS, at most


def affine(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
    """Least squares with a shift; of the least norm where the anchors don't determine it."""
    return _both_ways("affine", least_squares(*anchors(source, target)))


def ridge(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
    """Ridge regression on standardised columns, its penalty by leaving one out (Hoerl & Kennard 1970)."""
    from sklearn.linear_model import RidgeCV

    one, other = anchors(source, target)
    mean, scale = one.mean(axis=0), spread(one)
    model = RidgeCV(alphas=PENALTIES * len(one)).fit((one - mean) / scale, other)
    weight = np.asarray(model.coef_, np.float64).reshape(other.shape[1], -1).T / scale[:, None]
    bias = np.atleast_1d(model.intercept_) - mean @ weight
    return _both_ways("ridge", Affine(weight=weight, bias=bias), {"penalty": float(model.alpha_)})


def cca(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
    """Canonical correlation (Hotelling 1936): both meet in their most correlated directions."""
    from sklearn.cross_decomposition import CCA

    one, other = anchors(source, target, least=3)
    return _by_scores("CCA", CCA(n_components=_components(one, other), max_iter=1000), one, other)


def pls(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
    """Partial least squares (Wold 1975): both meet in directions of the most covariance."""
    from sklearn.cross_decomposition import PLSRegression

    one, other = anchors(source, target, least=3)
    model = PLSRegression(n_components=_components(one, other), scale=False, max_iter=1000)
    return _by_scores("PLS", model, one, other)


def kernel_ridge(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> Aligned:
    """Ridge regression in a Gaussian kernel (Saunders, Gammerman & Vovk 1998), the closed-form curved map.

    Width and penalty by leaving one out. With more than CENTRES anchors that many of them, drawn at random,
    are the centres, and are what the choice is made on; all anchors are learnt from.
    """
    return kernel_ridge_many([source], [target], seed=seed)[0]


def kernel_ridge_many(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
) -> list[Aligned]:
    """`kernel_ridge` of several sets of anchors; equal sources in a row are decomposed once."""
    found: list[Aligned] = []
    kernels = None
    for source, target in zip(sources, targets, strict=True):
        one, other = anchors(source, target)
        if kernels is None or not np.array_equal(kernels.source, one):
            kernels = _Kernels.of(one, seed)
        found.append(kernels.fit(other))
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _Kernels:
    """The kernels of one cloud at every width: values (m,) and vectors (m, m) of that among the centres."""

    source: Floats
    mean: Floats
    scale: Floats
    drawn: npt.NDArray[np.int64]
    bases: Mapping[float, tuple[Floats, Floats]]

    @classmethod
    def of(cls, source: Floats, seed: int) -> _Kernels:
        mean, scale = source.mean(axis=0), spread(source)
        drawn = np.arange(len(source))
        if len(source) > CENTRES:
            drawn = np.sort(np.random.default_rng(seed).choice(len(source), CENTRES, replace=False))
        centres = (source[drawn] - mean) / scale
        bases = {
            width: np.linalg.eigh(gaussian(centres, centres, width / source.shape[1])) for width in WIDTHS
        }
        return cls(source=source, mean=mean, scale=scale, drawn=drawn, bases=bases)

    def fit(self, target: Floats) -> Aligned:
        bias = target.mean(axis=0)
        wanted = target - bias
        left = {
            (width, penalty): _left_out(*self.bases[width], wanted[self.drawn], penalty)
            for width in WIDTHS
            for penalty in STIFFNESS
        }
        width, penalty = min(left, key=left.__getitem__)
        rows, gamma = (self.source - self.mean) / self.scale, width / self.source.shape[1]
        weight = on_centres(
            rows, rows[self.drawn], wanted, gamma=gamma, penalty=penalty, weights=np.ones(len(rows))
        )
        across = Kernel(
            mean=self.mean, scale=self.scale, centres=rows[self.drawn], gamma=gamma, weight=weight, bias=bias
        )
        notes = {"width": width, "penalty": float(penalty)}
        return Aligned(name="kernel ridge", across=across, notes=notes)


def _left_out(values: Floats, vectors: Floats, wanted: Floats, penalty: float) -> float:
    """The squared error of leaving each row out in turn (Allen's PRESS, 1974)."""
    share = np.maximum(values, 0) / (np.maximum(values, 0) + penalty)
    kept = 1 - vectors**2 @ share
    missed = wanted - vectors @ (share[:, None] * (vectors.T @ wanted))
    return float(((missed / np.maximum(kept, 1e-9)[:, None]) ** 2).sum())


def least_squares(one: Floats, other: Floats) -> Affine:
    """The affine step from points (n, p) that comes nearest to (n, q), with the least norm."""
    here, there = one.mean(axis=0), other.mean(axis=0)
    weight = np.asarray(np.linalg.lstsq(one - here, other - there, rcond=None)[0])
    return Affine(weight=weight, bias=there - here @ weight)


def _both_ways(name: str, across: Affine, notes: dict[str, Any] | None = None) -> Aligned:
    told = dict(notes or {})
    if across.weight.shape[0] == across.weight.shape[1]:
        told["reflection"] = bool(np.linalg.det(across.weight) < 0)
    return Aligned(name=name, across=across, back=across.inverse, notes=told)


def _components(one: Floats, other: Floats) -> int:
    ranks = [int(np.linalg.matrix_rank(rows - rows.mean(axis=0))) for rows in (one, other)]
    return max(1, min(*ranks, COMPONENTS))


def _by_scores(name: str, model: Any, one: Floats, other: Floats) -> Aligned:
    """From a fitted model of scikit-learn, whose scores are affine: read off at the origin and the axes.

    The way across is least squares on the source's scores. (CCA's own `predict` takes the scores of both
    senses for equal, however weakly they correlate.)
    """
    model.fit(one, other)
    zero, zeros = np.zeros((1, one.shape[1])), np.zeros((1, other.shape[1]))
    shift, shifted = model.transform(zero, zeros)
    source = Affine(weight=model.transform(np.eye(one.shape[1])) - shift, bias=shift[0])
    axes = np.eye(other.shape[1])
    turned = model.transform(np.zeros((len(axes), one.shape[1])), axes)[1]
    target = Affine(weight=turned - shifted, bias=shifted[0])
    found = _both_ways(name, source.then(least_squares(source(one), other)))
    return Aligned(
        name=name, across=found.across, back=found.back, source=source, target=target, notes=found.notes
    )

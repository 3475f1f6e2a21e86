"""Maps by regression and correlation: affine, ridge, CCA, PLS, kernel ridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spaces.alignment.steps import (
    AffineMap,
    AlignmentMap,
    Floats,
    KernelMap,
    select_complete_pairs,
)
from spaces.ridge_regression import gaussian_kernel, solve_kernel_ridge
from spaces.standardisation import compute_mean_and_scale

RIDGE_PENALTIES = np.logspace(-4, 2, 13)  # of the ridge, an anchor
KERNEL_WIDTHS = (0.1, 0.3, 1.0)  # of the kernel, exp(-width / d * ||x - y||^2)
KERNEL_PENALTIES = np.logspace(-3, 1.5, 10)  # penalties of the kernel ridge
MAX_CENTRES = 300  # of the kernel, at most
MAX_COMPONENTS = 8  # of CCA and PLS, at most


def fit_affine(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Least squares with a shift; of the least norm where the anchors don't determine it."""
    return _make_invertible_map("affine", fit_least_squares(*select_complete_pairs(source, target)))


def fit_ridge(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Ridge regression on standardised columns, its penalty by leaving one out (Hoerl & Kennard 1970)."""
    from sklearn.linear_model import RidgeCV

    one, other = select_complete_pairs(source, target)
    mean, scale = compute_mean_and_scale(one)
    model = RidgeCV(alphas=RIDGE_PENALTIES * len(one)).fit((one - mean) / scale, other)
    weight = np.asarray(model.coef_, np.float64).reshape(other.shape[1], -1).T / scale[:, None]
    bias = np.atleast_1d(model.intercept_) - mean @ weight
    return _make_invertible_map(
        "ridge", AffineMap(weight=weight, bias=bias), {"penalty": float(model.alpha_)}
    )


def fit_cca(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Canonical correlation (Hotelling 1936): both meet in their most correlated directions."""
    from sklearn.cross_decomposition import CCA

    one, other = select_complete_pairs(source, target, min_pairs=3)
    return _fit_latent_map(
        "CCA", CCA(n_components=_select_component_count(one, other), max_iter=1000), one, other
    )


def fit_pls(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Partial least squares (Wold 1975): both meet in directions of the most covariance."""
    from sklearn.cross_decomposition import PLSRegression

    one, other = select_complete_pairs(source, target, min_pairs=3)
    model = PLSRegression(n_components=_select_component_count(one, other), scale=False, max_iter=1000)
    return _fit_latent_map("PLS", model, one, other)


def fit_kernel_ridge(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Ridge regression in a Gaussian kernel (Saunders, Gammerman & Vovk 1998), the closed-form curved map.

    Width and penalty by leaving one out. With more than CENTRES anchors that many of them, drawn at random,
    are the centres, and are what the choice is made on; all anchors are learnt from.
    """
    return fit_kernel_ridges([source], [target], seed=seed)[0]


def fit_kernel_ridges(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
) -> list[AlignmentMap]:
    """`kernel_ridge` of several sets of anchors; equal sources in a row are decomposed once."""
    found: list[AlignmentMap] = []
    kernels = None
    for source, target in zip(sources, targets, strict=True):
        one, other = select_complete_pairs(source, target)
        if kernels is None or not np.array_equal(kernels.source, one):
            kernels = _KernelEigenbases.from_source(one, seed)
        found.append(kernels.fit(other))
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _KernelEigenbases:
    """The kernels of one cloud at every width: values (m,) and vectors (m, m) of that among the centres."""

    source: Floats
    mean: Floats
    scale: Floats
    centre_indices: npt.NDArray[np.int64]
    eigenbases: Mapping[float, tuple[Floats, Floats]]

    @classmethod
    def from_source(cls, source: Floats, seed: int) -> _KernelEigenbases:
        mean, scale = compute_mean_and_scale(source)
        drawn = np.arange(len(source))
        if len(source) > MAX_CENTRES:
            drawn = np.sort(np.random.default_rng(seed).choice(len(source), MAX_CENTRES, replace=False))
        centres = (source[drawn] - mean) / scale
        bases = {
            width: np.linalg.eigh(gaussian_kernel(centres, centres, width / source.shape[1]))
            for width in KERNEL_WIDTHS
        }
        return cls(source=source, mean=mean, scale=scale, centre_indices=drawn, eigenbases=bases)

    def fit(self, target: Floats) -> AlignmentMap:
        bias = target.mean(axis=0)
        wanted = target - bias
        left = {
            (width, penalty): _compute_press(*self.eigenbases[width], wanted[self.centre_indices], penalty)
            for width in KERNEL_WIDTHS
            for penalty in KERNEL_PENALTIES
        }
        width, penalty = min(left, key=left.__getitem__)
        rows, gamma = (self.source - self.mean) / self.scale, width / self.source.shape[1]
        weight = solve_kernel_ridge(
            rows, rows[self.centre_indices], wanted, gamma=gamma, penalty=penalty, weights=np.ones(len(rows))
        )
        across = KernelMap(
            mean=self.mean,
            scale=self.scale,
            centres=rows[self.centre_indices],
            gamma=gamma,
            weight=weight,
            bias=bias,
        )
        notes = {"width": width, "penalty": float(penalty)}
        return AlignmentMap(name="kernel ridge", forward=across, notes=notes)


def _compute_press(eigenvalues: Floats, eigenvectors: Floats, targets: Floats, penalty: float) -> float:
    """The squared error of leaving each row out in turn (Allen's PRESS, 1974)."""
    share = np.maximum(eigenvalues, 0) / (np.maximum(eigenvalues, 0) + penalty)
    kept = 1 - eigenvectors**2 @ share
    missed = targets - eigenvectors @ (share[:, None] * (eigenvectors.T @ targets))
    return float(((missed / np.maximum(kept, 1e-9)[:, None]) ** 2).sum())


def fit_least_squares(source: Floats, target: Floats) -> AffineMap:
    """The affine step from points (n, p) that comes nearest to (n, q), with the least norm."""
    here, there = source.mean(axis=0), target.mean(axis=0)
    weight = np.asarray(np.linalg.lstsq(source - here, target - there, rcond=None)[0])
    return AffineMap(weight=weight, bias=there - here @ weight)


def _make_invertible_map(name: str, forward: AffineMap, notes: dict[str, Any] | None = None) -> AlignmentMap:
    told = dict(notes or {})
    if forward.weight.shape[0] == forward.weight.shape[1]:
        told["reflection"] = bool(np.linalg.det(forward.weight) < 0)
    return AlignmentMap(name=name, forward=forward, backward=forward.inverse, notes=told)


def _select_component_count(source: Floats, target: Floats) -> int:
    ranks = [int(np.linalg.matrix_rank(rows - rows.mean(axis=0))) for rows in (source, target)]
    return max(1, min(*ranks, MAX_COMPONENTS))


def _fit_latent_map(name: str, model: Any, source_points: Floats, target_points: Floats) -> AlignmentMap:
    """From a fitted model of scikit-learn, whose scores are affine: read off at the origin and the axes.

    The way across is least squares on the source's scores. (CCA's own `predict` takes the scores of both
    senses for equal, however weakly they correlate.)
    """
    model.fit(source_points, target_points)
    zero, zeros = np.zeros((1, source_points.shape[1])), np.zeros((1, target_points.shape[1]))
    shift, shifted = model.transform(zero, zeros)
    source = AffineMap(weight=model.transform(np.eye(source_points.shape[1])) - shift, bias=shift[0])
    axes = np.eye(target_points.shape[1])
    turned = model.transform(np.zeros((len(axes), source_points.shape[1])), axes)[1]
    target = AffineMap(weight=turned - shifted, bias=shifted[0])
    found = _make_invertible_map(name, source.then(fit_least_squares(source(source_points), target_points)))
    return AlignmentMap(
        name=name,
        forward=found.forward,
        backward=found.backward,
        source_to_common=source,
        target_to_common=target,
        notes=found.notes,
    )

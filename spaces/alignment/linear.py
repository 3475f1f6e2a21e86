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

RIDGE_PENALTIES = np.logspace(-4, 2, 13)  # per anchor
KERNEL_WIDTHS = (0.1, 0.3, 1.0)  # the kernel is exp(-width / d * ||x - y||^2)
KERNEL_PENALTIES = np.logspace(-3, 1.5, 10)
MAX_CENTRES = 300  # of the kernel
MAX_COMPONENTS = 8  # of CCA and PLS


def fit_affine(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Least squares with a shift; the solution of least norm where the anchors don't determine it."""
    return _make_invertible_map("affine", fit_least_squares(*select_complete_pairs(source, target)))


def fit_ridge(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Ridge regression on standardised columns, penalty by leave-one-out (Hoerl & Kennard 1970)."""
    from sklearn.linear_model import RidgeCV

    x, y = select_complete_pairs(source, target)
    mean, scale = compute_mean_and_scale(x)
    model = RidgeCV(alphas=RIDGE_PENALTIES * len(x)).fit((x - mean) / scale, y)
    weight = np.asarray(model.coef_, np.float64).reshape(y.shape[1], -1).T / scale[:, None]
    bias = np.atleast_1d(model.intercept_) - mean @ weight
    return _make_invertible_map(
        "ridge", AffineMap(weight=weight, bias=bias), {"penalty": float(model.alpha_)}
    )


def fit_cca(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Canonical correlation (Hotelling 1936): the common space is that of the most correlated directions."""
    from sklearn.cross_decomposition import CCA

    x, y = select_complete_pairs(source, target, min_pairs=3)
    return _fit_latent_map("CCA", CCA(n_components=_select_component_count(x, y), max_iter=1000), x, y)


def fit_pls(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Partial least squares (Wold 1975): the common space is that of directions of the most covariance."""
    from sklearn.cross_decomposition import PLSRegression

    x, y = select_complete_pairs(source, target, min_pairs=3)
    model = PLSRegression(n_components=_select_component_count(x, y), scale=False, max_iter=1000)
    return _fit_latent_map("PLS", model, x, y)


def fit_kernel_ridge(source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int = 0) -> AlignmentMap:
    """Ridge regression in a Gaussian kernel (Saunders, Gammerman & Vovk 1998), non-linear, in closed form.

    Width and penalty by leave-one-out. With more than MAX_CENTRES anchors, that many of them, drawn at
    random, are the centres, on which width and penalty are chosen; the fit uses all anchors.
    """
    return fit_kernel_ridges([source], [target], seed=seed)[0]


def fit_kernel_ridges(
    sources: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike], *, seed: int = 0
) -> list[AlignmentMap]:
    """`fit_kernel_ridge` of several sets of anchors; consecutive equal sources are decomposed once."""
    maps: list[AlignmentMap] = []
    kernels = None
    for source, target in zip(sources, targets, strict=True):
        x, y = select_complete_pairs(source, target)
        if kernels is None or not np.array_equal(kernels.source, x):
            kernels = _KernelEigenbases.from_source(x, seed)
        maps.append(kernels.fit(y))
    return maps


@dataclass(frozen=True, kw_only=True, eq=False)
class _KernelEigenbases:
    """Eigenvalues (m,) and eigenvectors (m, m) of the kernel among the centres, by kernel width."""

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
        centred = target - bias
        errors = {
            (width, penalty): _compute_press(*self.eigenbases[width], centred[self.centre_indices], penalty)
            for width in KERNEL_WIDTHS
            for penalty in KERNEL_PENALTIES
        }
        width, penalty = min(errors, key=errors.__getitem__)
        rows, gamma = (self.source - self.mean) / self.scale, width / self.source.shape[1]
        weight = solve_kernel_ridge(
            rows, rows[self.centre_indices], centred, gamma=gamma, penalty=penalty, weights=np.ones(len(rows))
        )
        forward = KernelMap(
            mean=self.mean,
            scale=self.scale,
            centres=rows[self.centre_indices],
            gamma=gamma,
            weight=weight,
            bias=bias,
        )
        notes = {"width": width, "penalty": float(penalty)}
        return AlignmentMap(name="kernel ridge", forward=forward, notes=notes)


def _compute_press(eigenvalues: Floats, eigenvectors: Floats, targets: Floats, penalty: float) -> float:
    """Leave-one-out squared error (Allen's PRESS, 1974)."""
    shrinkage = np.maximum(eigenvalues, 0) / (np.maximum(eigenvalues, 0) + penalty)
    leverage_complement = 1 - eigenvectors**2 @ shrinkage
    residuals = targets - eigenvectors @ (shrinkage[:, None] * (eigenvectors.T @ targets))
    return float(((residuals / np.maximum(leverage_complement, 1e-9)[:, None]) ** 2).sum())


def fit_least_squares(source: Floats, target: Floats) -> AffineMap:
    """The affine least-squares map from points (n, p) to (n, q), of the least norm."""
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    weight = np.asarray(np.linalg.lstsq(source - source_mean, target - target_mean, rcond=None)[0])
    return AffineMap(weight=weight, bias=target_mean - source_mean @ weight)


def _make_invertible_map(name: str, forward: AffineMap, notes: dict[str, Any] | None = None) -> AlignmentMap:
    all_notes = dict(notes or {})
    if forward.weight.shape[0] == forward.weight.shape[1]:
        all_notes["reflection"] = bool(np.linalg.det(forward.weight) < 0)
    return AlignmentMap(name=name, forward=forward, backward=forward.inverse, notes=all_notes)


def _select_component_count(source: Floats, target: Floats) -> int:
    ranks = [int(np.linalg.matrix_rank(rows - rows.mean(axis=0))) for rows in (source, target)]
    return max(1, min(*ranks, MAX_COMPONENTS))


def _fit_latent_map(name: str, model: Any, source_points: Floats, target_points: Floats) -> AlignmentMap:
    """Fit a scikit-learn model and extract its affine scores from their values at the origin and the axes.

    The forward map is least squares on the source's scores. (CCA's own `predict` takes the scores of both
    modalities as equal, however weakly they correlate.)
    """
    model.fit(source_points, target_points)
    source_width, target_width = source_points.shape[1], target_points.shape[1]
    source_bias, target_bias = model.transform(np.zeros((1, source_width)), np.zeros((1, target_width)))
    source = AffineMap(weight=model.transform(np.eye(source_width)) - source_bias, bias=source_bias[0])
    target_scores = model.transform(np.zeros((target_width, source_width)), np.eye(target_width))[1]
    target = AffineMap(weight=target_scores - target_bias, bias=target_bias[0])
    fitted = _make_invertible_map(name, source.then(fit_least_squares(source(source_points), target_points)))
    return AlignmentMap(
        name=name,
        forward=fitted.forward,
        backward=fitted.backward,
        source_to_common=source,
        target_to_common=target,
        notes=fitted.notes,
    )

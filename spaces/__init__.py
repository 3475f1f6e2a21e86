"""From features to comparable coordinates: joint spaces, valence and arousal, maps between modalities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spaces.lazy_exports import load_export

if TYPE_CHECKING:
    from spaces.affect_regression import (
        AffectAlignment,
        AffectModel,
        load_alignment,
        make_affect_model,
    )
    from spaces.affect_regressor import (
        Regressor,
        RegressorSet,
        load_regressors,
        save_regressors,
    )
    from spaces.base import (
        Features,
        IdentitySpace,
        Space,
        Views,
    )
    from spaces.ridge_regression import (
        gaussian_kernel,
        solve_kernel_ridge,
        solve_landmark_ridge,
        solve_ridge,
    )
    from spaces.standardisation import (
        compute_mean_and_scale,
        compute_scale,
    )
    from spaces.zero_shot import ZeroShotSpace

__all__ = [
    "AffectAlignment",
    "AffectModel",
    "Features",
    "IdentitySpace",
    "Regressor",
    "RegressorSet",
    "Space",
    "Views",
    "ZeroShotSpace",
    "compute_mean_and_scale",
    "compute_scale",
    "gaussian_kernel",
    "load_alignment",
    "load_regressors",
    "make_affect_model",
    "save_regressors",
    "solve_kernel_ridge",
    "solve_landmark_ridge",
    "solve_ridge",
]
_MODULES = {
    "Features": "base",
    "IdentitySpace": "base",
    "Space": "base",
    "Views": "base",
    "ZeroShotSpace": "zero_shot",
    "Regressor": "affect_regressor",
    "RegressorSet": "affect_regressor",
    "load_regressors": "affect_regressor",
    "save_regressors": "affect_regressor",
    "AffectAlignment": "affect_regression",
    "AffectModel": "affect_regression",
    "load_alignment": "affect_regression",
    "make_affect_model": "affect_regression",
    "gaussian_kernel": "ridge_regression",
    "solve_kernel_ridge": "ridge_regression",
    "solve_landmark_ridge": "ridge_regression",
    "solve_ridge": "ridge_regression",
    "compute_mean_and_scale": "standardisation",
    "compute_scale": "standardisation",
}


def __getattr__(name: str) -> Any:
    return load_export(__name__, _MODULES, name)

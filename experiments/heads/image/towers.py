"""The towers of the image head, fitted in closed form: kernel ridge, ridge, blankness and log SD."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from encoders import Rows
from experiments.heads.image.training_set import ROLE, Floats, Ints, TrainingSet, flatten_views
from retrieval.features.roles import LABELS_ROLE
from spaces import solve_ridge
from spaces.joint import Tower
from spaces.joint.kernel_ridge import SD_EPSILON, RoleKernel, solve_role_kernels, to_float32
from spaces.joint.space import MAX_Z_SCORE, Layer, LinearInput, signed_power

LANDMARK_SIZE = 3  # pictures averaged in a landmark
KERNEL_WIDTHS = {ROLE: 1.0, LABELS_ROLE: 0.5}  # of each role's kernel, per column
KERNEL_PENALTY = 0.2  # of kernel ridge, for each kernel
RIDGE_STRENGTH = 10.0  # of the plain ridge's penalty
FEATURE_POWER = 0.5  # of the object features in plain ridge; label vectors stay as they are
UNINFORMED_SD = 3**-0.5  # of a uniform distribution on [-1, 1]: the SD for a picture unlike the training set
MAX_BLANKNESS = 0.9  # above it, an error is no evidence of the SD of photos
BLANKNESS_STRENGTH = 0.02  # of the penalty of the regression that separates blank pictures from photos
ONE_SD_COVERAGE = 0.68  # share of errors within the stated SD


def fit_kernel_tower(training_set: TrainingSet, stretch_factors: npt.ArrayLike) -> Tower:
    """Kernel ridge with a sum of Gaussian kernels, one a role (Gönen & Alpaydın 2011).

    Landmarks are means of a picture and its nearest neighbours, as in `spaces.joint.kernel_ridge`.
    """
    count = training_set.features[ROLE].shape[1]
    kernels = _fit_role_kernels(training_set.features)
    rows = {role: to_float32(flatten_views(views)) for role, views in training_set.features.items()}
    middle = training_set.mean_ratings.mean(axis=0)
    weight = solve_role_kernels(
        kernels,
        rows,
        np.repeat(training_set.mean_ratings - middle, count, axis=0),
        KERNEL_PENALTY,
        np.repeat(training_set.sample_weights / count, count),
    )
    weight *= np.asarray(stretch_factors)
    inputs = {role: kernel.make_input(weight, rows[role]) for role, kernel in kernels.items()}
    return Tower(inputs=inputs, bias=to_float32(middle))


def _fit_role_kernels(features: Mapping[str, Floats]) -> dict[str, RoleKernel]:
    """Kernels by role of views (n, views, d), standardised by the first; each picture has a landmark."""
    moments = {role: compute_mean_and_scale(rows[:, 0]) for role, rows in features.items()}
    standard = {
        role: (rows.mean(axis=1) - moments[role][0]) / moments[role][1] for role, rows in features.items()
    }
    near = find_neighbours(standard[ROLE])  # a landmark is of the same pictures in every role
    return {
        role: RoleKernel(
            power=1.0, mean=moments[role][0], scale=moments[role][1],
            gamma=KERNEL_WIDTHS[role] / rows.shape[1], centres=rows[near].mean(axis=1),
        )
        for role, rows in standard.items()
    }  # fmt: skip


def fit_ridge_tower(
    training_set: TrainingSet, targets: Floats, stretch_factors: npt.ArrayLike = 1.0
) -> Tower:
    """Ridge to targets (n, 2), from label vectors and features' signed roots (Perronnin et al. 2010)."""
    powers = {role: FEATURE_POWER if role == ROLE else 1.0 for role in training_set.features}
    rooted = {
        role: signed_power(to_float32(rows), powers[role]).astype(np.float64)
        for role, rows in training_set.features.items()
    }
    moments = {role: compute_mean_and_scale(rows[:, 0]) for role, rows in rooted.items()}
    standard = [
        np.clip(flatten_views((rows - moments[role][0]) / moments[role][1]), -MAX_Z_SCORE, MAX_Z_SCORE)
        for role, rows in rooted.items()
    ]
    middle, count = targets.mean(axis=0), training_set.features[ROLE].shape[1]
    share = np.sqrt(np.repeat(training_set.sample_weights, count))[:, None]
    rows = np.concatenate(standard, axis=1)
    weight = solve_ridge(rows * share, np.repeat(targets - middle, count, axis=0) * share, RIDGE_STRENGTH)
    widths = [role_rows.shape[1] for role_rows in standard]
    weights = np.split(weight * np.asarray(stretch_factors), np.cumsum(widths)[:-1])
    inputs = {
        role: LinearInput(
            mean=to_float32(moments[role][0]), scale=to_float32(moments[role][1]),
            weight=to_float32(role_weight), absent=np.zeros(targets.shape[1], np.float32),
            power=powers[role],
        )
        for role, role_weight in zip(rooted, weights, strict=True)
    }  # fmt: skip
    return Tower(inputs=inputs, bias=to_float32(middle))


def fit_blankness(training_set: TrainingSet, blank_features: Rows) -> Tower:
    """(n, 1) ReLU of ridge from signed square roots: 0 for photos, about 1 for blank pictures."""
    photos = to_float32(flatten_views(training_set.features[ROLE]))
    rows = signed_power(np.concatenate([photos, blank_features]), FEATURE_POWER).astype(np.float64)
    mean, scale = compute_mean_and_scale(rows[: len(photos)])
    standard = np.clip((rows - mean) / scale, -MAX_Z_SCORE, MAX_Z_SCORE)
    is_blank = np.arange(len(rows)) >= len(photos)
    class_share = np.where(is_blank, 1 / len(blank_features), 1 / len(photos))  # both classes weigh the same
    root: Floats = np.sqrt(class_share)[:, None]
    weight = solve_ridge(standard * root, np.where(is_blank, 2.0, 0.0)[:, None] * root, BLANKNESS_STRENGTH)
    reader = LinearInput(
        mean=to_float32(mean), scale=to_float32(scale), weight=to_float32(weight),
        absent=np.zeros(1, np.float32), power=FEATURE_POWER,
    )  # fmt: skip
    layer = Layer(weight=np.ones((1, 1), np.float32), bias=np.zeros(1, np.float32))
    return Tower(inputs={ROLE: reader}, bias=np.array([-1.0], np.float32), layers=(layer,))


def fit_log_sd(blankness_tower: Tower, errors: Floats, blankness: Floats) -> Tower:
    """log SD (n, 2): constant for photos, growing to log UNINFORMED_SD and beyond for blank pictures.

    errors:    (n, 2) absolute errors on held-out photos
    blankness: (n, 1) of the same photos

    Photos have one SD, such that ONE_SD_COVERAGE of errors lie within it: no feature predicted which errors
    are larger.
    """
    log_uninformed = np.log(UNINFORMED_SD)
    share = np.minimum(blankness, MAX_BLANKNESS)
    logs = (np.log(np.maximum(errors, SD_EPSILON)) - share * log_uninformed) / (1 - share)
    photo_log_sd = np.quantile(logs, ONE_SD_COVERAGE, axis=0)
    layer = Layer(weight=to_float32((log_uninformed - photo_log_sd)[None]), bias=to_float32(photo_log_sd))
    return replace(blankness_tower, layers=(layer,))


def find_neighbours(features: Floats, count: int = LANDMARK_SIZE) -> Ints:
    """(n, count) each row of (n, d) and its nearest: a landmark is their mean, so no row is stored alone."""
    squares = (features**2).sum(axis=1)
    squared_distances = squares[:, None] + squares - 2 * features @ features.T
    return np.asarray(np.argsort(squared_distances, axis=1, kind="stable")[:, :count])


def compute_mean_and_scale(features: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation (d,) of rows (n, d), the latter never 0."""
    return features.mean(axis=0), features.std(axis=0) + SD_EPSILON

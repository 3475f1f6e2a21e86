"""Metrics of the image head on pictures of themes it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from encoders import Rows
from experiments.datasets.oasis import OasisImage, load_oasis
from experiments.features.extraction import encode_items
from experiments.heads.image.blank_images import encode_blank_images
from experiments.heads.image.regressors import N_FOLDS, fit_members, predict
from experiments.heads.image.towers import ONE_SD_COVERAGE, compute_mean_and_scale
from experiments.heads.image.training_set import (
    ROLE,
    Floats,
    TrainingSet,
    add_label_features,
    encode_training_set,
    exclude_test_split,
    make_image_pipeline,
    make_training_set,
)
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_ccc,
    pair_pearson,
)
from retrieval.evaluation import make_group_folds
from spaces import solve_ridge
from spaces.affect_regression import load_packaged_regressors

BASELINE_STRENGTH = 0.25  # of the baseline's penalty
REQUIRED_CCC = {"valence": 0.58, "arousal": 0.55}  # on unseen themes


def evaluate(data_root: Path, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Agreement, correlation and coverage on pictures of unseen themes; on test by the packaged head."""
    images = load_oasis(data_root)
    if part == "test":
        return _evaluate_packaged(images, seed)
    images = exclude_test_split(images)
    training_set = encode_training_set(images, seed, True)
    dev = np.flatnonzero([image.split == "dev" for image in images])
    folds = make_group_folds(training_set.groups, N_FOLDS, seed) if part == "folds" else [dev]
    if not all(len(fold) for fold in folds):
        return []
    blank_features = encode_blank_images(seed)
    predictions, baseline = np.full((len(images), 6), np.nan), np.full((len(images), 2), np.nan)
    for fold in folds:
        rest, held_out = training_set.exclude(fold), training_set.select(fold)
        predictions[fold] = predict(fit_members(rest, blank_features, seed=seed)[0], held_out)
        baseline[fold] = predict_baseline(rest, held_out)
    rows = np.sort(np.concatenate(folds))
    return _compute_metrics(training_set.select(rows), predictions[rows], baseline[rows], part, seed)


def predict_held_out(data_root: Path, *, seed: int) -> tuple[list[OasisImage], Floats]:
    """Pictures of train and dev, and (n, 4) the affect of each by a head trained on other themes."""
    images = exclude_test_split(load_oasis(data_root))
    training_set, blank_features = encode_training_set(images, seed, True), encode_blank_images(seed)
    predictions = np.full((len(images), 4), np.nan)
    for fold in make_group_folds(training_set.groups, N_FOLDS, seed):
        members, _ = fit_members(training_set.exclude(fold), blank_features, seed=seed)
        predictions[fold] = predict(members, training_set.select(fold))[:, :4]
    return images, predictions


def predict_baseline(training_set: TrainingSet, test_set: TrainingSet) -> Floats:
    """(n, 2) by ridge on the unaugmented object features, not stretched."""
    train_rows, test_rows = training_set.features[ROLE][:, 0], test_set.features[ROLE][:, 0]
    mean, scale = compute_mean_and_scale(train_rows)
    middle = training_set.mean_ratings.mean(axis=0)
    weight = solve_ridge((train_rows - mean) / scale, training_set.mean_ratings - middle, BASELINE_STRENGTH)
    return np.asarray((test_rows - mean) / scale @ weight + middle)


def compute_ceiling(test_set: TrainingSet, n_raters: Floats) -> Floats:
    """(2,) the best correlation with means of that many raters: the root of the means' reliability."""
    error_variance = (test_set.rater_sd**2 / n_raters).mean(axis=0)
    return np.sqrt(np.maximum(1 - error_variance / test_set.mean_ratings.var(axis=0), 0))


def _evaluate_packaged(images: Sequence[OasisImage], seed: int) -> list[MetricResult]:
    """Metrics of the packaged head on the test split; empty where there is none.

    The baseline is trained on the other splits, of the default data root where `images` has none.
    """
    test_images = [image for image in images if image.split == "test"]
    if not test_images:
        return []
    train_images = exclude_test_split(images) or exclude_test_split(load_oasis())
    test_set = make_training_set(test_images, add_label_features(_encode_unaugmented(test_images)[:, None]))
    predictions = predict(load_packaged_regressors()["image"].members, test_set)
    baseline = predict_baseline(encode_training_set(train_images, seed, True, n_views=0), test_set)
    return _compute_metrics(test_set, predictions, baseline, "test", seed)


def _encode_unaugmented(images: Sequence[OasisImage]) -> Rows:
    """Raw object rows (n, d)."""
    encoded = encode_items(make_image_pipeline(), [(image.path,) for image in images], quiet=True)
    return encoded.mean_pool(len(images))[ROLE]


def _compute_metrics(
    test_set: TrainingSet, predictions: Floats, baseline: Floats, part: EvaluationPart, seed: int
) -> list[MetricResult]:
    """Metrics of predictions (n, 6), as `predict` has them, beside those of the baseline (n, 2)."""
    measure = partial(measure_metric, "oasis", part=part, seed=seed, groups=test_set.groups)
    ceiling = compute_ceiling(test_set, np.full(2, 100.0))
    results = []
    for column, name in enumerate(DIMENSIONS):
        truth = test_set.mean_ratings[:, column]
        pairs = np.stack([predictions[:, column], truth], axis=1)
        is_within = (np.abs(pairs[:, 0] - truth) <= predictions[:, 2 + column]).astype(float)
        disagreement = np.stack([predictions[:, 4 + column], test_set.rater_sd[:, column]], axis=1)
        plain = np.stack([baseline[:, column], truth], axis=1)
        best = f"{ceiling[column]:.2f}, the means of 100 raters"
        results += [
            measure(
                f"{name} CCC", pairs, pair_ccc, baseline=f"{pair_ccc(plain):.2f}, plain ridge", ceiling=best,
                required=REQUIRED_CCC[name],
            ),
            measure(
                f"{name} r", pairs, pair_pearson, baseline=f"{pair_pearson(plain):.2f}, plain ridge",
                ceiling=best,
            ),
            measure(f"{name} within one SD", is_within, np.mean, ceiling=f"{ONE_SD_COVERAGE:.2f} as stated"),
            measure(f"{name} disagreement r", disagreement, pair_pearson),
        ]  # fmt: skip
    return results

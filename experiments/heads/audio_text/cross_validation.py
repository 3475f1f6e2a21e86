"""Retrieval of held-out clips by words: the kernel towers beside simpler methods on the same folds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from encoders import unit_rows
from experiments.heads.audio_text.clips import Floats, LabelledClips
from experiments.heads.audio_text.metric_summary import (
    MetricSummary,
    summarise_difference,
    summarise_folds,
)
from experiments.heads.audio_text.retrieval_metrics import (
    CosineFunction,
    Metrics,
    compute_classifier_metrics,
    compute_metrics,
    compute_synonym_metrics,
)
from experiments.heads.audio_text.training_set import KERNEL_CONFIG, TrainingSet, split_folds
from experiments.heads.audio_text.vocabulary import ANIMALS, EMOTIONS
from spaces import solve_ridge
from spaces.joint.kernel_ridge import compute_class_weights, to_float32
from spaces.joint.space import signed_power

N_REPEATS = 3  # random splits into folds
LINEAR_RIDGE_STRENGTH = 1.0  # of the linear ridge's penalty, see `spaces.joint.ridge`
SVM_PENALTY = 10
MIN_SD = 1e-6  # added to the standard deviation of a column
COMPARED_METRICS = ("P@10 animals", "P@10 emotions")


def cross_validate(training_set: TrainingSet, seed: int, n_repeats: int = N_REPEATS) -> list[MetricSummary]:
    """Metrics on held-out folds by method, and the differences of the kernel from the other methods."""
    metrics_by_method: dict[str, list[Metrics]] = {}
    for train_clips, test_clips in split_folds(training_set.clips, seed, n_repeats):
        for method, metrics in _compare_methods(training_set, train_clips, test_clips):
            metrics_by_method.setdefault(method, []).append(metrics)
    summaries = [
        summarise_folds(name, method, folds, seed)
        for method, folds in metrics_by_method.items()
        for name in folds[0]
    ]
    return summaries + [
        summarise_difference(name, f"kernel - {method}", metrics_by_method["kernel"], folds, seed)
        for method, folds in metrics_by_method.items()
        if method != "kernel"
        for name in COMPARED_METRICS
    ]


def make_kernel_cosines(
    training_set: TrainingSet, train_clips: LabelledClips, test_clips: LabelledClips
) -> CosineFunction:
    """Cosines of texts with held-out clips, by the member trained on the other clips."""
    clip_rows = training_set.fit_member(train_clips).media(test_clips.features)
    return lambda texts: training_set.project_texts(texts) @ clip_rows.T


def make_linear_cosines(
    training_set: TrainingSet, train_clips: LabelledClips, test_clips: LabelledClips
) -> CosineFunction:
    """Cosines of texts with held-out clips, by linear ridge to the same targets with the same weights."""
    rows = stack_features(train_clips)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + MIN_SD
    class_weights = compute_class_weights(train_clips.classes, training_set.kernel_config.class_balance)
    root = np.sqrt(class_weights)[:, None]
    weight = solve_ridge(
        root * (rows - mean) / scale, root * training_set.compute_targets(train_clips), LINEAR_RIDGE_STRENGTH
    )
    clip_rows = unit_rows(to_float32((stack_features(test_clips) - mean) / scale @ weight))
    return lambda texts: training_set.project_texts(texts) @ clip_rows.T


def compute_svm_metrics(train_clips: LabelledClips, test_clips: LabelledClips) -> Metrics:
    """Metrics of a support vector machine on animals and one on emotions."""
    from sklearn.svm import SVC

    metrics: Metrics = {}
    for kind, classes, task in (("animal", ANIMALS, "animals"), ("speech", EMOTIONS, "emotions")):
        train, test = (
            clips.select(np.flatnonzero(clips.kinds == kind)) for clips in (train_clips, test_clips)
        )
        rows = stack_features(train)
        mean, scale = rows.mean(axis=0), rows.std(axis=0) + MIN_SD
        model = SVC(C=SVM_PENALTY, class_weight="balanced")
        model.fit((rows - mean) / scale, train.labels)
        scores = model.decision_function((stack_features(test) - mean) / scale)
        columns = [list(model.classes_).index(name) for name in classes]
        metrics |= compute_classifier_metrics(test, task, list(classes), scores[:, columns])
    return metrics


def stack_features(clips: LabelledClips) -> Floats:
    """(n, sum of d) rows of all roles, with their signed powers."""
    powers = KERNEL_CONFIG.powers
    return np.concatenate(
        [signed_power(rows, powers.get(role, 1.0)) for role, rows in clips.features.items()], axis=1
    ).astype(np.float64)


def _select_role(clips: LabelledClips, role: str) -> LabelledClips:
    return replace(
        clips,
        features={role: clips.features[role]},
        augmented_features={role: clips.augmented_features[role]},
    )


def _compare_methods(
    training_set: TrainingSet, train_clips: LabelledClips, test_clips: LabelledClips
) -> Iterator[tuple[str, Metrics]]:
    """Metrics by method; all but the kernels are trained on the plain clips alone."""
    plain = replace(
        train_clips,
        augmented_features={role: rows[:, :0] for role, rows in train_clips.augmented_features.items()},
    )
    methods: dict[str, CosineFunction] = {
        "kernel": make_kernel_cosines(training_set, train_clips, test_clips),
        **{
            f"{role} alone": make_kernel_cosines(training_set, _select_role(train_clips, role), test_clips)
            for role in train_clips.features
        },
        "plain": make_kernel_cosines(training_set, plain, test_clips),
        "linear": make_linear_cosines(training_set, train_clips, test_clips),
    }
    for method, cosines in methods.items():
        yield (
            method,
            {**compute_metrics(test_clips, cosines), **compute_synonym_metrics(test_clips, cosines)},
        )
    yield "svm", compute_svm_metrics(train_clips, test_clips)

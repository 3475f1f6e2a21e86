"""Metrics of the face head on detected faces of groups it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import Rows
from encoders.faces import expression_head
from encoders.faces.fer_network import EMOTIONS
from experiments.datasets import faces_muxspace
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.classification import accuracy, balanced_accuracy, expected_calibration_error
from experiments.heads.face.classifier import fit_calibrated_classifier, predict_calibrated_held_out
from experiments.heads.face.dataset import Bools, FaceDataset, load_faces
from experiments.heads.report_figure import EvaluationPart, MetricResult, Statistic, measure_metric

Floats = npt.NDArray[np.float64]

REQUIRED_ACCURACY = 0.50  # balanced accuracy
DISGUST_INDEX = EMOTIONS.index("disgust")


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """Metrics of the faces MTCNN detects, the others abstain; on test by the packaged head.

    Empty for a part the set does not have.
    """
    faces = load_faces(data_root, seed=seed)
    if part == "folds":
        faces = faces.select_splits("train", "dev")
        return list(_compute_metrics(faces, predict_calibrated_held_out(faces, seed), part, seed))
    test_faces = faces.select_splits(part)
    if not len(test_faces.labels):
        return []
    head = (
        expression_head.load_head()
        if part == "test"
        else fit_calibrated_classifier(faces.select_splits("train"), seed)
    )
    return list(_compute_metrics(test_faces, head(test_faces.features[:, 0]), part, seed))


def _compute_metrics(
    faces: FaceDataset, probabilities: Rows, part: EvaluationPart, seed: int
) -> Iterator[MetricResult]:
    rows = faces.is_detected
    labels, groups = faces.labels[rows], faces.group[rows]
    ours, fer = probabilities[rows], faces.fer_probabilities[rows]
    measure = partial(measure_metric, faces_muxspace.FOLDER, part=part, seed=seed)
    yield from _compute_accuracies(
        _pair_classes(ours, labels), _pair_classes(fer, labels), faces.is_film[rows], groups, measure
    )
    yield measure(
        "expected calibration error",
        _pair_confidence(ours, labels),
        expected_calibration_error,
        groups=groups,
        baseline=f"fer's network: {expected_calibration_error(_pair_confidence(fer, labels)):.2f}",
    )
    yield measure(
        "share of faces found by MTCNN",
        rows[:, None],
        lambda is_found: float(is_found.mean()),
        groups=faces.group,
    )


def _compute_accuracies(
    ours: Floats, fer: Floats, is_film: Bools, groups: npt.NDArray[np.int64], measure: partial[MetricResult]
) -> Iterator[MetricResult]:
    """Metrics of pairs (n, 2) of predicted and true class, beside those of fer's network."""
    labels = ours[:, 1]

    def measure_selected(
        metric: str, statistic: Statistic, selected: Bools | None = None, required: float | None = None
    ) -> MetricResult:
        rows = np.ones(len(labels), bool) if selected is None else selected
        baseline = f"fer's network: {statistic(fer[rows]):.2f}"
        return measure(
            metric, ours[rows], statistic, groups=groups[rows], baseline=baseline, required=required
        )

    yield measure_selected("balanced accuracy, 7 expressions", balanced_accuracy, required=REQUIRED_ACCURACY)
    yield measure_selected("accuracy, 7 expressions", accuracy)
    for index, name in enumerate(EMOTIONS):
        if (labels == index).any():
            yield measure_selected(f"recall of {name}", accuracy, labels == index)
    for source, is_source in (("photos", ~is_film), ("film stills", is_film)):
        if (others := is_source & (labels != DISGUST_INDEX)).any():
            yield measure_selected(f"{source}: others called disgust", _share_of_disgust, others)


def _share_of_disgust(pairs: Floats) -> float:
    return float((pairs[:, 0] == DISGUST_INDEX).mean())


def _pair_classes(probabilities: Rows, labels: npt.NDArray[np.int64]) -> Floats:
    """(n, 2) predicted and true class."""
    return np.stack([probabilities.argmax(axis=1), labels], axis=1).astype(float)


def _pair_confidence(probabilities: Rows, labels: npt.NDArray[np.int64]) -> Floats:
    """(n, 2) the probability of the likeliest class, and whether it is right."""
    return np.stack([probabilities.max(axis=1), probabilities.argmax(axis=1) == labels], axis=1)

"""The classifier of expressions: logistic regression, its sample weights and its temperature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from encoders import Rows
from encoders.faces.expression_head import FEAR_INDEX, OTHER_INDICES, ExpressionHead
from encoders.faces.fer_network import EMOTIONS
from experiments.heads.face.augmentation import N_VIEWS
from experiments.heads.face.dataset import Bools, FaceDataset, Ints
from retrieval.evaluation import make_group_folds

Floats = npt.NDArray[np.float64]

N_FOLDS = 8
L2_PENALTY = 1.0  # from .1 to 1 the accuracy is the same; at 1 the head separates the sources least
FER_FEATURE_GAIN = 10.0  # factor by which fer's own probabilities are penalised less than other features
MIN_CLASS_COUNT = 25  # faces: a class with fewer in one source weighs less there
FEAR_FACTOR = 0.75  # of fer's probability of fear; 12 faces of fear are too few to train on


def fit_head(faces: FaceDataset, rows: Ints) -> ExpressionHead:
    """Logistic regression on the faces in `rows`, of all classes but fear; one logit less than EMOTIONS."""
    from sklearn.linear_model import LogisticRegression

    rows = rows[faces.is_usable[rows] & (faces.labels[rows] != FEAR_INDEX)]
    views = faces.features[rows].astype(np.float64)
    flat = views.reshape(-1, views.shape[-1])
    scale = (flat.std(axis=0) + 1e-3) * np.sqrt(flat.shape[1] / 500)
    scale[: len(EMOTIONS)] = (flat.std(axis=0) + 1e-3)[: len(EMOTIONS)] / FER_FEATURE_GAIN
    mean = flat.mean(axis=0)
    weights = np.repeat(compute_sample_weights(faces.labels[rows], faces.is_film[rows]), N_VIEWS)
    model = LogisticRegression(C=1 / (2 * L2_PENALTY), max_iter=300)
    model.fit((flat - mean) / scale, np.repeat(faces.labels[rows], N_VIEWS), sample_weight=weights)
    weight = model.coef_.T / scale[:, None]
    return ExpressionHead(
        weight=weight.astype(np.float32),
        bias=(model.intercept_ - mean @ weight).astype(np.float32),
        fear=np.array([FEAR_FACTOR], np.float32),
    )


def compute_sample_weights(labels: Ints, is_film: Bools) -> Floats:
    """(n,) that sum to 1: the same for each class and source, less below MIN_CLASS_COUNT faces.

    So the head gains little from predicting the source instead of the expression.
    """
    class_and_source = 2 * labels + is_film
    counts = np.bincount(class_and_source)
    weights = 1 / np.maximum(counts[class_and_source], MIN_CLASS_COUNT)
    return np.asarray(weights / weights.sum())


def fit_calibrated_classifier(faces: FaceDataset, seed: int) -> ExpressionHead:
    """The head of all faces, its temperature from predictions on held-out groups."""
    held_out = predict_held_out(faces, seed)
    rows = is_calibration_face(faces)
    temperature = fit_temperature(held_out[rows], faces.labels[rows])
    return apply_temperature(fit_head(faces, np.arange(len(faces.labels))), temperature)


def is_calibration_face(faces: FaceDataset) -> Bools:
    """(n,) whether a face is detected and its label is not fear, which is not trained."""
    return faces.is_detected & (faces.labels != FEAR_INDEX)


def apply_temperature(head: ExpressionHead, temperature: float) -> ExpressionHead:
    """The same head, its logits divided by a temperature."""
    weight, bias = (np.asarray(values / temperature, np.float32) for values in (head.weight, head.bias))
    return ExpressionHead(weight=weight, bias=bias, fear=head.fear)


def fit_temperature(probabilities: Rows, labels: Ints) -> float:
    """The divisor of logits that makes probabilities (n, 7) of labels (n,), none of fear, most likely.

    The best of a grid (Guo et al. 2017).
    """
    logits = np.log(np.maximum(probabilities[:, list(OTHER_INDICES)], 1e-9))
    targets = np.searchsorted(np.array(OTHER_INDICES), labels)
    temperatures = np.exp(np.linspace(np.log(0.5), np.log(3), 60))
    losses = [_negative_log_likelihood(logits / temperature, targets) for temperature in temperatures]
    return float(temperatures[np.argmin(losses)])


def _negative_log_likelihood(logits: Floats, targets: Ints) -> float:
    return float((-log_softmax(logits, axis=1)[np.arange(len(targets)), targets]).mean())


def predict_held_out(faces: FaceDataset, seed: int) -> Rows:
    """(n, 7) by heads trained on other groups, not calibrated."""
    probabilities = np.empty((len(faces.labels), len(EMOTIONS)), np.float32)
    for fold in make_group_folds(faces.group.tolist(), N_FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(faces.labels)), fold)
        probabilities[fold] = fit_head(faces, rest)(faces.features[fold, 0])
    return probabilities


def predict_calibrated_held_out(faces: FaceDataset, seed: int) -> Rows:
    """As `predict_held_out`, each fold calibrated by the temperature of the others."""
    probabilities = predict_held_out(faces, seed)
    rows, calibrated = np.flatnonzero(is_calibration_face(faces)), probabilities.copy()
    for fold in make_group_folds(faces.group.tolist(), N_FOLDS, seed):
        rest = np.setdiff1d(rows, fold)
        temperature = fit_temperature(probabilities[rest], faces.labels[rest])
        fear = probabilities[fold, FEAR_INDEX]
        others = np.delete(probabilities[fold], FEAR_INDEX, axis=1) ** (1 / temperature)
        others *= (1 - fear)[:, None] / others.sum(axis=1, keepdims=True)
        calibrated[fold] = np.insert(others, FEAR_INDEX, fear, axis=1)
    return calibrated

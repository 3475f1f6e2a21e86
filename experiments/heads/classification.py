"""Class labels and probabilities: one-hot targets, class weights, temperature, metrics of classifiers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

N_CALIBRATION_BINS = 10


def one_hot(labels: Strings, classes: Sequence[str]) -> Floats:
    """(n, k) 1 where a label is that class."""
    return np.asarray(labels[:, None] == np.array(classes), np.float64)


def compute_balanced_weights(labels: Strings) -> Floats:
    """(n,) weights of mean 1 by which every class weighs the same."""
    _, class_indices, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(len(labels) / len(sizes) / sizes[class_indices], np.float64)


def fit_temperature(logits: Floats, targets: Floats, weights: Floats | None = None) -> float:
    """The divisor of logits (n, k) with the least cross-entropy to targets (n, k) (Guo et al. 2017)."""

    def cross_entropy(log_temperature: float) -> float:
        losses = -(targets * log_softmax(logits / np.exp(log_temperature), axis=1)).sum(axis=1)
        return float(np.average(losses, weights=weights))

    return float(np.exp(minimize_scalar(cross_entropy, bounds=(-3, 3), method="bounded").x))


def accuracy(pairs: Floats) -> float:
    """Share of pairs (n, 2) of predicted and true class that agree."""
    return float((pairs[:, 0] == pairs[:, 1]).mean())


def balanced_accuracy(pairs: Floats) -> float:
    """Mean over the true classes of their recall; pairs (n, 2) of predicted and true class."""
    classes = np.unique(pairs[:, 1])
    return float(np.mean([accuracy(pairs[pairs[:, 1] == true_class]) for true_class in classes]))


def expected_calibration_error(pairs: Floats) -> float:
    """Mean distance of confidence from accuracy over bins of confidence (Naeini et al. 2015).

    pairs: (n, 2) the probability of the likeliest class, and whether it is right
    """
    bins = np.minimum((pairs[:, 0] * N_CALIBRATION_BINS).astype(int), N_CALIBRATION_BINS - 1)
    parts = [pairs[bins == number] for number in np.unique(bins)]
    return float(sum(len(part) * abs(part[:, 0].mean() - part[:, 1].mean()) for part in parts) / len(pairs))


def mean_difference(pairs: Floats) -> float:
    """Mean of the first column less the mean of the second."""
    return float(pairs[:, 0].mean() - pairs[:, 1].mean())

"""Logistic regression in one variable, for calibration. numpy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
MAX_NEWTON_STEPS = 100


def fit_logistic(negatives: Vector, positives: Vector) -> tuple[float, float]:
    """(slope, midpoint) of the logistic regression that tells `positives` (m,) from `negatives` (n,).

    Both groups weigh 1/2. Targets are (m + 1) / (m + 2) and 1 / (n + 2) instead of 1 and 0 (Platt 1999),
    which keeps the slope finite when the groups don't overlap. Newton's method with step halving (Lin, Lin
    and Weng 2007).
    """
    m, n = len(positives), len(negatives)
    x = np.concatenate([positives, negatives])
    weight = np.repeat([0.5 / m, 0.5 / n], [m, n])
    target = np.repeat([(m + 1) / (m + 2), 1 / (n + 2)], [m, n])
    terms = np.stack([x, np.ones_like(x)])
    line = np.zeros(2)
    for _ in range(MAX_NEWTON_STEPS):
        guess = sigmoid(line @ terms)
        slant = terms @ (weight * (guess - target))
        bend = (terms * (weight * guess * (1 - guess))) @ terms.T + 1e-12 * np.eye(2)
        line, moved = line_search(line, np.linalg.solve(bend, slant), slant, terms, weight, target)
        if not moved:
            break
    return float(line[0]), float(-line[1] / line[0])


def line_search(
    coefficients: Vector, step: Vector, gradient: Vector, design: Vector, weights: Vector, targets: Vector
) -> tuple[Vector, bool]:
    """`coefficients` after the largest of step, step/2, ... to lower the loss (Armijo 1966), or as is."""
    before, fall = cross_entropy(coefficients, design, weights, targets), float(gradient @ step)
    for size in 0.5 ** np.arange(20):
        after = coefficients - size * step
        if cross_entropy(after, design, weights, targets) < before - 1e-4 * size * fall:
            return after, True
    return coefficients, False


def cross_entropy(coefficients: Vector, design: Vector, weights: Vector, targets: Vector) -> float:
    """Weighted logistic loss of `coefficients` (2,) on `design` (2, n)."""
    logit = coefficients @ design
    return float(weights @ (np.logaddexp(0, logit) - targets * logit))


def sigmoid(logits: Vector) -> Vector:
    """1 / (1 + exp(-x)) without overflow; NaN stays NaN."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, small) / (1 + small)

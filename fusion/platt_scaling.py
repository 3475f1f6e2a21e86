"""Logistic regression in one variable, for calibration (Platt 1999).

scikit-learn's LogisticRegression takes labels 0 and 1, not Platt's targets, and stops at a tolerance that
would change the numbers of stored calibrations; its import takes longer than the fit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
MAX_NEWTON_STEPS = 100


def fit_logistic(negatives: Vector, positives: Vector) -> tuple[float, float]:
    """(slope, midpoint) of the logistic regression of `positives` (m,) against `negatives` (n,).

    Both groups have weight 1/2. Targets are (m + 1) / (m + 2) and 1 / (n + 2) instead of 1 and 0 (Platt
    1999), which keeps the slope finite when the groups don't overlap. Newton's method with step halving (Lin,
    Lin and Weng 2007).
    """
    m, n = len(positives), len(negatives)
    x = np.concatenate([positives, negatives])
    weight = np.repeat([0.5 / m, 0.5 / n], [m, n])
    target = np.repeat([(m + 1) / (m + 2), 1 / (n + 2)], [m, n])
    design = np.stack([x, np.ones_like(x)])
    coefficients = np.zeros(2)
    for _ in range(MAX_NEWTON_STEPS):
        predicted = sigmoid(coefficients @ design)
        gradient = design @ (weight * (predicted - target))
        hessian = (design * (weight * predicted * (1 - predicted))) @ design.T + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        coefficients, has_moved = line_search(coefficients, step, gradient, design, weight, target)
        if not has_moved:
            break
    return float(coefficients[0]), float(-coefficients[1] / coefficients[0])


def line_search(
    coefficients: Vector, step: Vector, gradient: Vector, design: Vector, weights: Vector, targets: Vector
) -> tuple[Vector, bool]:
    """`coefficients` after the largest of step, step/2, ... that lowers the loss (Armijo 1966)."""
    loss, expected_decrease = cross_entropy(coefficients, design, weights, targets), float(gradient @ step)
    for size in 0.5 ** np.arange(20):
        moved = coefficients - size * step
        if cross_entropy(moved, design, weights, targets) < loss - 1e-4 * size * expected_decrease:
            return moved, True
    return coefficients, False


def cross_entropy(coefficients: Vector, design: Vector, weights: Vector, targets: Vector) -> float:
    """Weighted logistic loss of `coefficients` (2,) on `design` (2, n)."""
    logits = coefficients @ design
    return float(weights @ (np.logaddexp(0, logits) - targets * logits))


def sigmoid(logits: Vector) -> Vector:
    """1 / (1 + exp(-x)) without overflow; NaN stays NaN."""
    decayed = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, decayed) / (1 + decayed)

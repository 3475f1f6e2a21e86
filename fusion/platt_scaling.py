"""Logistic regression in one variable, for calibration (Platt scaling, Platt 1999).

Platt's smoothed targets (m + 1) / (m + 2) bound the odds that m matches are ever told by m + 1, before a
prior is applied: three matches however far from the background were told .31 at a prior of .1. A weak prior
of the slope keeps the fit finite instead, and lets odds grow with the distance.

scikit-learn's LogisticRegression has Gaussian priors alone, and its import takes longer than the fit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
MAX_NEWTON_STEPS = 100


def fit_logistic(negatives: Vector, positives: Vector) -> tuple[float, float]:
    """(slope, midpoint) of the logistic regression of `positives` (m,) against `negatives` (n,).

    Both in standard deviations of the background. Both groups have the weight 2 m n / (m + n), as two groups
    of that size would tell as much (their harmonic mean). The slope has a log-F(1, 1) prior, which is one
    observation at 1 with target 1/2 and no intercept (Greenland & Mansournia 2015, "Penalization, bias
    reduction, and default priors in logistic and related regressions"): 95 % of it lies within -6.5 and 6.5
    a standard deviation, and the slope is finite when the groups don't overlap. Newton's method with step
    halving (Lin, Lin and Weng 2007).
    """
    m, n = len(positives), len(negatives)
    size, counts = 2 * m * n / (m + n), [m, n, 1]
    x = np.concatenate([positives, negatives, [1.0]])
    weight = np.repeat([size / m, size / n, 1.0], counts)
    target = np.repeat([1.0, 0.0, 0.5], counts)
    design = np.stack([x, np.repeat([1.0, 1.0, 0.0], counts)])
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

"""Ridge regression in closed form: linear (Hoerl & Kennard 1970) and in a kernel (Saunders et al. 1998).

`spaces.alignment.linear.fit_ridge` is scikit-learn's RidgeCV instead: it chooses the penalty by leaving one
out and does not penalise the intercept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

JITTER = 1e-10  # of the system's mean diagonal: landmarks may nearly coincide


def solve_ridge(rows: Floats, targets: Floats, strength: float) -> Floats:
    """(d, k) weights from rows (n, d) to targets (n, k), by the smaller of the primal and the dual system.

    strength: of the penalty, times the mean squared length of the rows
    """
    penalty = strength * float((rows**2).sum(axis=1).mean())
    if len(rows) < rows.shape[1]:
        kernel = rows @ rows.T + penalty * np.eye(len(rows))
        return np.asarray(rows.T @ np.linalg.solve(kernel, targets))
    return solve_primal_ridge(rows, targets, penalty)


def solve_primal_ridge(rows: npt.NDArray[Any], targets: npt.NDArray[Any], penalty: float) -> npt.NDArray[Any]:
    """(..., d, k) weights W that minimise ||rows W - targets||^2 + penalty ||W||^2, in the rows' precision.

    rows: (..., n, d); targets: (..., n, k)
    """
    transposed = np.swapaxes(rows, -1, -2)
    system = transposed @ rows + penalty * np.eye(rows.shape[-1], dtype=rows.dtype)
    return np.asarray(np.linalg.solve(system, transposed @ targets))


def solve_kernel_ridge(
    rows: Floats, centres: Floats, targets: Floats, *, gamma: float, penalty: float, weights: Floats
) -> Floats:
    """(m, k) weights A of Gaussian kernel values at centres (m, d), from rows (n, d) to targets (n, k).

    A minimises the sum of weights * ||K(rows, centres) A - targets||^2 + penalty * trace(A' K(centres) A).
    With the rows as centres this is (K + penalty * diag(1 / weights))^-1 targets, the full kernel ridge; with
    fewer it is the subset of regressors (Smola & Bartlett 2001).
    """
    return solve_landmark_ridge(
        gaussian_kernel(rows, centres, gamma),
        gaussian_kernel(centres, centres, gamma),
        targets,
        penalty,
        weights,
    )


def solve_landmark_ridge(
    row_kernel: Floats, landmark_kernel: Floats, targets: Floats, penalty: float, weights: Floats
) -> Floats:
    """(m, k) as `solve_kernel_ridge`, from values of any kernel: rows (n, m), centres (m, m)."""
    weighted = row_kernel.T * weights
    system = weighted @ row_kernel + penalty * landmark_kernel
    system[np.diag_indices(len(system))] += JITTER * np.trace(system) / len(system)
    return np.asarray(np.linalg.solve(system, weighted @ targets))


def gaussian_kernel(rows: npt.NDArray[Any], centres: npt.NDArray[Any], gamma: float) -> npt.NDArray[Any]:
    """(n, m) exp(-gamma * ||row - centre||^2) of rows (n, d) and centres (m, d), in their own precision."""
    squares = (rows**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * rows @ centres.T
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0)))

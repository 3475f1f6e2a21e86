"""The SD of the text head's error: log-linear in the row, right for every kind of text it was fitted on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from encoders import Rows
from encoders.minilm_affect import DIM, SURFACE_DIM
from experiments.heads.text.rated_rows import Floats
from experiments.heads.text.regressors import SD_OFFSET, make_linear_tower
from spaces import Regressor, solve_ridge

UNREADABLE = "unreadable"  # kind of texts that the encoder cannot read
UNREADABLE_SHARE = 0.2  # of the weight in fitting; the other kinds have equal shares of the rest
LOG_SD_PENALTY = 100.0  # ridge of log SD's content columns, on the mean log likelihood
LOG_SD_SURFACE_PENALTY = 0.01  # of its two surface columns: few, and they predict what is unreadable
SHIFT_PENALTY = 3.0  # ridge of the shifts by kind, as `solve_ridge` has it
"""Of 1, 3 and 10 all lie within .04 in mean log likelihood; 10 leaves arousal of sentences too wide (.77)."""
MAX_ABS_Z = 10  # standard deviations to which the inputs are clipped
ONE_SD_COVERAGE = 0.6827  # of a normal distribution within one standard deviation


def compute_uninformed_errors(ratings: Floats, predictions: Floats) -> Floats:
    """(n, 2) mean squared error of predictions (n, 2) whose truth might be any of ratings (m, 2)."""
    return np.asarray(ratings.var(axis=0) + (ratings.mean(axis=0) - predictions) ** 2)


def fit_log_sd(rows: Rows, squared_errors: Floats, kinds: npt.NDArray[np.str_]) -> Regressor:
    """Log SD, linear in standardised rows (n, 386), from squared errors (n, 2) of texts of each kind (n,).

    First it is the most likely for normal errors (Harvey 1976), where little but the surface of a text tells.
    Then each kind but UNREADABLE is shifted so that ONE_SD_COVERAGE of it lies within one SD. The shift of a
    new text is that of the kinds it is like: a ridge from rows to shifts.
    """
    is_readable = kinds != UNREADABLE
    readable = rows[is_readable].astype(np.float64)
    mean, scale = readable.mean(axis=0), readable.std(axis=0) + SD_OFFSET
    inputs = np.clip((rows - mean) / scale, -MAX_ABS_Z, MAX_ABS_Z)
    text_weights = _weigh_kinds(kinds)
    weight, bias = np.empty((DIM, 2)), np.empty(2)
    for column in range(2):
        squares = squared_errors[:, column]
        parameters = _maximise_likelihood(inputs, squares, text_weights)
        log_errors = np.log(np.maximum(squares, 1e-12)) / 2 - inputs @ parameters[:-1] - parameters[-1]
        slopes, intercept = _fit_shifts(inputs, _compute_shifts(log_errors, kinds), text_weights)
        weight[:, column], bias[column] = parameters[:-1] + slopes, parameters[-1] + intercept
    return Regressor(towers=(make_linear_tower(mean, scale, weight, bias),))


def _weigh_kinds(kinds: npt.NDArray[np.str_]) -> Floats:
    """(n,) weights of texts, which sum to 1: UNREADABLE_SHARE for the unreadable, else the same a kind."""
    names, numbers, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    is_unreadable = names == UNREADABLE
    shares = np.where(is_unreadable, UNREADABLE_SHARE, (1 - UNREADABLE_SHARE) / (~is_unreadable).sum())
    weights = (shares / counts)[numbers]
    return np.asarray(weights / weights.sum())


def _compute_shifts(log_errors: Floats, kinds: npt.NDArray[np.str_]) -> Floats:
    """(n,) of each text what brings ONE_SD_COVERAGE of its kind within one SD; for UNREADABLE their mean.

    log_errors: (n,) logarithms of errors in units of their SD
    """
    shift_by_kind = {
        kind: np.quantile(log_errors[kinds == kind], ONE_SD_COVERAGE) for kind in set(kinds) - {UNREADABLE}
    }
    shift_by_kind[UNREADABLE] = np.mean(list(shift_by_kind.values()))
    return np.array([shift_by_kind[kind] for kind in kinds])


def _fit_shifts(inputs: Floats, shifts: Floats, text_weights: Floats) -> tuple[Floats, float]:
    """(386,) slopes and the intercept of a weighted ridge from inputs (n, 386) to shifts (n,)."""
    centre, middle = text_weights @ inputs, text_weights @ shifts
    roots = np.sqrt(text_weights)[:, None]
    slopes = solve_ridge((inputs - centre) * roots, (shifts - middle)[:, None] * roots, SHIFT_PENALTY)[:, 0]
    return slopes, float(middle - centre @ slopes)


def _maximise_likelihood(inputs: Floats, squares: Floats, text_weights: Floats) -> Floats:
    """(DIM + 1,) slopes and intercept of log SD, penalised, by L-BFGS-B with the analytic gradient."""
    from scipy.optimize import minimize

    penalties = np.full(DIM, LOG_SD_PENALTY)
    penalties[-SURFACE_DIM:] = LOG_SD_SURFACE_PENALTY
    start = np.zeros(DIM + 1)
    start[-1] = np.log(text_weights @ squares) / 2

    def objective(parameters: Floats) -> tuple[float, Floats]:
        log_sd = inputs @ parameters[:-1] + parameters[-1]
        ratio = squares * np.exp(-2 * log_sd)
        slope = text_weights * (1 - ratio)
        value = text_weights @ (log_sd + ratio / 2) + penalties @ parameters[:-1] ** 2 / 2
        return value, np.append(inputs.T @ slope + penalties * parameters[:-1], slope.sum())

    optimum = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(optimum.x)

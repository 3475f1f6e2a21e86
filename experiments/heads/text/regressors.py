"""The members of the text head: the mean, and the log SD of its error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders import Rows, encode_all, is_missing_row
from encoders.minilm_affect import DIM, SURFACE_DIM, MiniLMAffect
from experiments.datasets.records import RatedText
from retrieval.evaluation import make_group_folds
from spaces import Regressor, solve_kernel_ridge
from spaces.joint import Tower
from spaces.joint.kernel_ridge import to_float32
from spaces.joint.landmarks import compute_landmarks
from spaces.joint.space import KernelInput, LinearInput

Floats = npt.NDArray[np.float64]

ROLE = "sentiment"
N_FOLDS = 10
KERNEL_WIDTH = 0.8  # this and the next two as in `spaces.joint.kernel_ridge.KernelRidgeConfig`
KERNEL_PENALTY = 1.0
MIN_LANDMARK_SIZE = 3
THEME_WEIGHT = 0.5  # of a picture's theme against an action phrase
UNCORRECTED_BIAS_SHARE = 0.5  # of the mean residual of short texts, not corrected: raters differ in offset
SD_OFFSET = 1e-3  # added to the standard deviation of a column
IGNORED_SCALE = 1e6  # of the surface columns in the kernel: text length would separate EmoBank's sentences
MAX_ABS_Z = 10  # standard deviations to which the inputs of log SD are clipped
GROUP_SHARES = 0.6, 0.2, 0.2  # weight of sentences, phrases and unreadable texts in fitting log SD
LOG_SD_PENALTY = 30.0  # ridge of log SD's content columns, on the mean log likelihood
LOG_SD_SURFACE_PENALTY = 0.003  # of its two surface columns: few, and they predict what is unreadable
ONE_SD_COVERAGE = 0.6827  # of a normal distribution within one standard deviation


def fit_mean(
    encoder: MiniLMAffect, short_features: Rows, actions: Sequence[RatedText], themes: Sequence[RatedText]
) -> Regressor:
    """The adapters' linear model, plus kernel ridge on its residuals of short texts.

    short_features: (n, 386) rows of the actions, then of the themes
    """
    linear = _make_adapter_tower(encoder)
    ratings = stack_affect([*actions, *themes])
    residuals = np.asarray(ratings - linear.project_raw({ROLE: short_features}), np.float64)
    residuals -= UNCORRECTED_BIAS_SHARE * residuals.mean(axis=0)
    mean = short_features.mean(axis=0).astype(np.float64)
    scale = short_features.std(axis=0).astype(np.float64) + SD_OFFSET
    scale[-SURFACE_DIM:] = IGNORED_SCALE
    rows, gamma = (short_features - mean) / scale, KERNEL_WIDTH / DIM
    kinds = np.repeat(["action", "theme"], [len(actions), len(themes)])
    centres = compute_landmarks(rows, kinds, MIN_LANDMARK_SIZE)
    weights = np.where(kinds == "action", 1.0, THEME_WEIGHT)
    weight = solve_kernel_ridge(
        rows, centres, residuals, gamma=gamma, penalty=KERNEL_PENALTY, weights=weights
    )
    zero = np.zeros(2, np.float32)
    kernel = KernelInput(
        mean=to_float32(mean), scale=to_float32(scale), centres=to_float32(centres), gamma=gamma,
        weight=to_float32(2 * weight), absent=zero,
    )  # fmt: skip
    return Regressor(  # the mean of both towers, each doubled, is their sum
        towers=(_scale_tower(linear, 2), Tower(inputs={ROLE: kernel}, bias=zero))
    )


def compute_held_out_errors(
    encoder: MiniLMAffect,
    short_features: Rows,
    actions: Sequence[RatedText],
    themes: Sequence[RatedText],
    seed: int,
) -> Floats:
    """(n, 2) errors on short texts (`actions`, then `themes`) by models trained on other groups."""
    texts = [*actions, *themes]
    errors = np.empty((len(texts), 2))
    for fold in make_group_folds([text.group for text in texts], N_FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(texts)), fold)
        rest_actions = [texts[i] for i in rest[rest < len(actions)]]
        rest_themes = [texts[i] for i in rest[rest >= len(actions)]]
        model = fit_mean(encoder, short_features[rest], rest_actions, rest_themes)
        errors[fold] = stack_affect([texts[i] for i in fold]) - model({ROLE: short_features[fold]})
    return errors


def compute_uninformed_errors(ratings: Floats, predictions: Rows) -> Floats:
    """(n, 2) mean squared error of predictions (n, 2) whose truth might be any of ratings (m, 2)."""
    return np.asarray(ratings.var(axis=0) + (ratings.mean(axis=0) - predictions) ** 2)


def fit_log_sd(features: Rows, squared_errors: Floats, *, n_sentences: int, n_phrases: int) -> Regressor:
    """Log SD, linear in standardised rows (n, 386), most likely for normal errors (Harvey 1976).

    The first `n_sentences` rows are sentences, then `n_phrases` phrases, then unreadable texts. Finally it is
    shifted so that ONE_SD_COVERAGE of sentences and of phrases, on average, lie within one SD.
    """
    n_readable = n_sentences + n_phrases
    readable = features[:n_readable].astype(np.float64)
    mean, scale = readable.mean(axis=0), readable.std(axis=0) + SD_OFFSET
    inputs = np.clip((features - mean) / scale, -MAX_ABS_Z, MAX_ABS_Z)
    sizes = n_sentences, n_phrases, len(features) - n_readable
    sample_weights = np.concatenate(
        [np.full(size, share / size) for size, share in zip(sizes, GROUP_SHARES, strict=True)]
    )
    weight, bias = np.empty((DIM, 2)), np.empty(2)
    for column in range(2):
        squares = squared_errors[:, column]
        parameters = _maximise_likelihood(inputs, squares, sample_weights)
        log_sd = inputs @ parameters[:-1] + parameters[-1]
        log_errors = np.log(np.maximum(squares[:n_readable], 1e-12)) / 2 - log_sd[:n_readable]
        kinds = log_errors[:n_sentences], log_errors[n_sentences:]
        shift = np.mean([np.quantile(kind_errors, ONE_SD_COVERAGE) for kind_errors in kinds])
        weight[:, column], bias[column] = parameters[:-1], parameters[-1] + shift
    return Regressor(towers=(_make_linear_tower(mean, scale, weight, bias),))


def _maximise_likelihood(inputs: Floats, squares: Floats, sample_weights: Floats) -> Floats:
    """(DIM + 1,) slopes and intercept of log SD, penalised, by L-BFGS-B with the analytic gradient."""
    from scipy.optimize import minimize

    penalties = np.full(DIM, LOG_SD_PENALTY)
    penalties[-SURFACE_DIM:] = LOG_SD_SURFACE_PENALTY
    start = np.zeros(DIM + 1)
    start[-1] = np.log(sample_weights @ squares) / 2

    def objective(parameters: Floats) -> tuple[float, Floats]:
        log_sd = inputs @ parameters[:-1] + parameters[-1]
        ratio = squares * np.exp(-2 * log_sd)
        slope = sample_weights * (1 - ratio)
        value = sample_weights @ (log_sd + ratio / 2) + penalties @ parameters[:-1] ** 2 / 2
        return value, np.append(inputs.T @ slope + penalties * parameters[:-1], slope.sum())

    optimum = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(optimum.x)


def encode_texts(encoder: MiniLMAffect, texts: Sequence[RatedText]) -> Rows:
    """(n, 386) rows. Raises ValueError for a text without any."""
    rows = encode_all(encoder, [text.text for text in texts])
    if is_missing_row(rows).any():
        raise ValueError("a rated text is empty")
    return rows


def stack_affect(texts: Sequence[RatedText]) -> Floats:
    """(n, 2) ratings of texts."""
    return np.array([text.affect for text in texts], np.float64).reshape(-1, 2)


def _make_adapter_tower(encoder: MiniLMAffect) -> Tower:
    """The linear model that was trained with the adapters."""
    weight = np.zeros((DIM, 2), np.float32)
    weight[:-SURFACE_DIM] = encoder.adapters["head.weight"].T
    return _make_linear_tower(np.zeros(DIM), np.ones(DIM), weight, encoder.adapters["head.bias"])


def _scale_tower(tower: Tower, factor: float) -> Tower:
    reader = tower.inputs[ROLE]
    return _make_linear_tower(reader.mean, reader.scale, factor * reader.weight, factor * tower.bias)


def _make_linear_tower(
    mean: npt.ArrayLike, scale: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike
) -> Tower:
    reader = LinearInput(
        mean=np.asarray(mean, np.float32), scale=np.asarray(scale, np.float32),
        weight=np.asarray(weight, np.float32), absent=np.zeros(2, np.float32),
    )  # fmt: skip
    return Tower(inputs={ROLE: reader}, bias=np.asarray(bias, np.float32))

"""The mean of the text head; the SD of its error is in `experiments.heads.text.stated_error`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from encoders import Rows
from encoders.minilm_affect import DIM, SURFACE_DIM, MiniLMAffect
from experiments.heads.text.rated_rows import (
    ACTION,
    ACTION_SENTENCE,
    THEME,
    WORD,
    Floats,
    RatedRows,
)
from retrieval.evaluation import make_group_folds
from spaces import Regressor, solve_kernel_ridge
from spaces.joint import Tower
from spaces.joint.kernel_ridge import to_float32
from spaces.joint.landmarks import compute_landmarks
from spaces.joint.space import KernelInput, LinearInput

ROLE = "sentiment"
N_FOLDS = 10
KERNEL_WIDTH = 0.8  # this and the next two as in `spaces.joint.kernel_ridge.KernelRidgeConfig`
KERNEL_PENALTY = 1.0
MIN_LANDMARK_SIZE = 3
MIN_ANCHOR_LANDMARK_SIZE = 10  # of sentences
KIND_WEIGHTS = {ACTION: 0.6, ACTION_SENTENCE: 0.6, THEME: 0.3, WORD: 0.6}
"""Of a text in the ridge."""
ANCHOR_WEIGHT = 0.15  # of a sentence
SD_OFFSET = 1e-3  # added to the standard deviation of a column
IGNORED_SCALE = 1e6  # of the surface columns in the kernel: text length would separate EmoBank's sentences


def fit_mean(encoder: MiniLMAffect, short_texts: RatedRows, anchor_rows: Rows) -> Regressor:
    """The adapters' linear model, plus kernel ridge on its residuals of short texts.

    Raters of actions and pictures place an everyday text .2 lower in arousal than those of sentences, who are
    asked what they read and not what they see. The correction therefore has to end where sentences begin: it
    is fitted to be 0 at `anchor_rows` (m, 386), sentences like those of EmoBank.
    """
    linear = _make_adapter_tower(encoder)
    residuals = np.asarray(short_texts.ratings - linear.project_raw({ROLE: short_texts.rows}), np.float64)
    mean, scale = _compute_mean_and_scale(short_texts.rows, anchor_rows)
    short, anchors = (short_texts.rows - mean) / scale, (anchor_rows - mean) / scale
    centres = np.concatenate(
        [
            compute_landmarks(short, short_texts.kinds, MIN_LANDMARK_SIZE),
            compute_landmarks(anchors, np.zeros(len(anchors)), MIN_ANCHOR_LANDMARK_SIZE),
        ]
    )
    gamma = KERNEL_WIDTH / DIM
    weight = solve_kernel_ridge(
        np.concatenate([short, anchors]),
        centres,
        np.concatenate([residuals, np.zeros((len(anchors), 2))]),
        gamma=gamma,
        penalty=KERNEL_PENALTY,
        weights=np.array([KIND_WEIGHTS[kind] for kind in short_texts.kinds] + [ANCHOR_WEIGHT] * len(anchors)),
    )
    zero = np.zeros(2, np.float32)
    kernel = KernelInput(
        mean=to_float32(mean), scale=to_float32(scale), centres=to_float32(centres), gamma=gamma,
        weight=to_float32(weight), absent=zero,
    )  # fmt: skip
    return _add_towers(linear, Tower(inputs={ROLE: kernel}, bias=zero))


def predict_held_out(encoder: MiniLMAffect, short_texts: RatedRows, anchor_rows: Rows, seed: int) -> Floats:
    """(n, 2) affect of short texts by models trained on other groups."""
    predictions = np.empty((len(short_texts), 2))
    for fold in make_group_folds(short_texts.groups.tolist(), N_FOLDS, seed):
        rest = np.setdiff1d(np.arange(len(short_texts)), fold)
        model = fit_mean(encoder, short_texts.select(rest), anchor_rows)
        predictions[fold] = model({ROLE: short_texts.rows[fold]})
    return predictions


def _make_adapter_tower(encoder: MiniLMAffect) -> Tower:
    """The linear model that was trained with the adapters."""
    weight = np.zeros((DIM, 2), np.float32)
    weight[:-SURFACE_DIM] = encoder.adapters["head.weight"].T
    return make_linear_tower(np.zeros(DIM), np.ones(DIM), weight, encoder.adapters["head.bias"])


def _add_towers(linear: Tower, kernel: Tower) -> Regressor:
    """Their sum: a regressor is the mean of its towers, so each is doubled."""
    towers = (
        Tower(
            inputs={role: replace(reader, weight=2 * reader.weight) for role, reader in tower.inputs.items()},
            bias=2 * tower.bias,
        )
        for tower in (linear, kernel)
    )
    return Regressor(towers=tuple(towers))


def _compute_mean_and_scale(*parts: Rows) -> tuple[Floats, Floats]:
    """(386,) mean and SD of rows, every part weighing the same; the surface columns are ignored."""
    weights = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in parts])
    stacked = np.concatenate(parts).astype(np.float64)
    mean = np.average(stacked, axis=0, weights=weights)
    scale = np.sqrt(np.average((stacked - mean) ** 2, axis=0, weights=weights)) + SD_OFFSET
    scale[-SURFACE_DIM:] = IGNORED_SCALE
    return mean, scale


def make_linear_tower(
    mean: npt.ArrayLike, scale: npt.ArrayLike, weight: npt.ArrayLike, bias: npt.ArrayLike
) -> Tower:
    """weight' (x - mean) / scale + bias of rows x (n, 386): weight (386, 2), bias (2,)."""
    reader = LinearInput(
        mean=np.asarray(mean, np.float32), scale=np.asarray(scale, np.float32),
        weight=np.asarray(weight, np.float32), absent=np.zeros(2, np.float32),
    )  # fmt: skip
    return Tower(inputs={ROLE: reader}, bias=np.asarray(bias, np.float32))

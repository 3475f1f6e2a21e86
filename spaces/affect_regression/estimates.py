"""Affect rows (n, 4): valence, arousal and the standard deviation of each one's error.

All in units of the circumplex of [-1, 1] (Russell 1980). A row of NaN abstains: no audio, no face, no text.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from encoders import FaceRows, Rows, is_missing_row
from spaces.base import Features
from spaces.circumplex import EmotionTable, map_emotions_to_affect
from spaces.tower_regressor import Regressor

Floats = npt.NDArray[np.float64]

AFFECT_COLUMNS = ("valence", "arousal", "valence_sd", "arousal_sd")
EXPRESSED_TABLE: EmotionTable = "expressed"  # of faces and voices, which express an emotion
MIN_FACE_CONFIDENCE = 0.1  # below it a face abstains
MIN_SD = 0.02  # lower bound of every predicted SD
SOFT_CLIP_KNEE = 0.5
"""Absolute value from which `soft_clip` bends. On folds by OASIS' themes CCC is .589 and .596 with it, .585
and .596 with clipping; on texts equal to three digits."""


def soft_clip(values: npt.ArrayLike) -> Floats:
    """Values of any shape brought into [-1, 1]: unchanged up to the knee, then bent by a hyperbolic tangent.

    Smooth at the knee and strictly rising: values beyond the range keep their order, which clipping loses.
    NaN stays NaN.
    """
    unbounded = np.asarray(values, np.float64)
    room = 1 - SOFT_CLIP_KNEE
    excess = np.maximum(np.abs(unbounded) - SOFT_CLIP_KNEE, 0)
    bent = np.sign(unbounded) * (SOFT_CLIP_KNEE + room * np.tanh(excess / room))
    return np.where(excess > 0, bent, unbounded)


def predict_mean_and_sd(mean_regressor: Regressor, log_sd_regressor: Regressor, features: Features) -> Rows:
    """Affect rows (n, 4) from a regressor of means (n, 2) and one of the logarithms of their SDs (n, 2)."""
    means = soft_clip(mean_regressor(features))
    sds = np.exp(np.clip(log_sd_regressor(features), np.log(MIN_SD), 0))
    return np.concatenate([means, sds], axis=1).astype(np.float32)


def widen_sds(rows: Rows, corpus_sd: tuple[float, float]) -> Rows:
    """Affect rows (n, 4) with the SD of an independent error added to those of valence and of arousal."""
    sds = np.hypot(rows[:, 2:], corpus_sd)
    return np.concatenate([rows[:, :2], sds], axis=1).astype(np.float32)


def estimate_face_affect(face_rows: Rows) -> Rows:
    """Affect rows (n, 4) of face rows (n, 10), SDs divided by the root of the face's confidence.

    Small, turned or cut-off faces have low confidence; they do not count as neutral. Below
    MIN_FACE_CONFIDENCE they abstain.
    """
    faces = FaceRows(face_rows)
    expressed = map_emotions_to_affect(faces.emotions, "fer", EXPRESSED_TABLE)
    confidence = np.clip(faces.get("confidence")[:, None], 0, 1)
    sds = expressed[:, 2:] / np.sqrt(np.maximum(confidence, MIN_FACE_CONFIDENCE))
    rows = np.concatenate([expressed[:, :2], sds], axis=1)
    rows[confidence[:, 0] < MIN_FACE_CONFIDENCE] = np.nan
    return rows.astype(np.float32)


def compute_mixture_moments(
    components: npt.NDArray[np.floating], mixture_weights: npt.NDArray[np.floating]
) -> Rows:
    """(n, 4) mean and SD of a mixture of components (k, n, 4) with weights (n, k); NaN where any is.

    The variance is the mean of the variances plus the variance of the means.
    """
    weights = np.asarray(mixture_weights, np.float64).T[:, :, None]  # (k, n, 1)
    means, sds = components[..., :2].astype(np.float64), components[..., 2:].astype(np.float64)
    mean = (weights * means).sum(axis=0)
    variance = (weights * (sds**2 + (means - mean) ** 2)).sum(axis=0)
    return np.concatenate([mean, np.sqrt(variance)], axis=1).astype(np.float32)


def average_estimates(rows: Rows, weights: npt.ArrayLike | None = None) -> Rows:
    """(4,) weighted mean of several estimates (n, 4) of one item, with their root mean square SD.

    The SD does not shrink with n, since errors of neighbouring segments are correlated. NaN rows are left
    out; the result is NaN where all rows are.
    """
    row_weights = np.ones(len(rows)) if weights is None else np.asarray(weights, np.float64)
    is_present = ~is_missing_row(rows)
    if not is_present.any():
        return np.full(4, np.nan, np.float32)
    mean = np.average(rows[is_present, :2], axis=0, weights=row_weights[is_present])
    variances = rows[is_present, 2:].astype(np.float64) ** 2
    sd = np.sqrt(np.average(variances, axis=0, weights=row_weights[is_present]))
    return np.concatenate([mean, sd]).astype(np.float32)

"""Emotion categories on the valence-arousal plane: their moments, mixtures of them, and the reverse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from encoders import MissingBackendError, UnknownNameError
from spaces.circumplex.plane import Floats

EmotionTable = Literal["learned", "hand", "expressed"]

EMOTIONS_FILE = Path(__file__).parents[1] / "weights" / "emotions.json"


@dataclass(frozen=True, eq=False, kw_only=True)
class EmotionCategories:
    """Emotions as normal distributions on the plane: names (k,), means (k, 2), standard deviations (k, 2)."""

    names: tuple[str, ...]
    means: Floats
    sds: Floats


EMOTION_SCHEMES: Mapping[str, tuple[str, ...]] = {
    "fer": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    "plutchik": ("joy", "trust", "surprise", "anticipation", "sadness", "fear", "disgust", "anger"),
    "ravdess": ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
}
"""Emotion sets in the order of their columns: fer's of faces (encoders.faces.EMOTIONS), Plutchik's eight
(1980), those acted in RAVDESS (Livingstone and Russo 2018)."""

HAND_TABLE: Mapping[str, tuple[float, float]] = {
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "joy": (0.76, 0.48),
    "happy": (0.81, 0.51),
    "sadness": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
    "calm": (0.68, -0.46),
    "trust": (0.38, 0.13),
    "anticipation": (0.64, 0.51),
    "neutral": (0.0, 0.0),
}
"""The usual hand-made table: Russell and Mehrabian's (1977) means for the words angry, disgusted, fearful,
joyful, happy, sad, surprised, relaxed, respectful and interested; neutral is the middle."""
HAND_SD = 0.3  # SD of ratings about these means, in both dimensions

_EMOTION_ALIASES = {"angry": "anger", "fearful": "fear", "sad": "sadness", "surprised": "surprise"}


def load_emotion_categories(scheme: str, table: EmotionTable = "learned") -> EmotionCategories:
    """The emotions of a scheme on the plane, by one of three tables.

    learned:   fitted to human ratings of videos (experiments/heads/emotion_categories.py)
    hand:      HAND_TABLE, with HAND_SD
    expressed: for faces and voices: valence as learned, arousal by hand. The learned table gives the emotion
               that a video induces, not the arousal of a face or voice that expresses it: correlated with
               the loudness of RAVDESS' actors by emotion, learned arousal has r .60, the hand table's .86

    Raises UnknownNameError for another scheme or table, MissingBackendError where the learned table's file
    is missing.
    """
    if scheme not in EMOTION_SCHEMES:
        raise UnknownNameError(f"no set of emotions {scheme!r}; known: {', '.join(EMOTION_SCHEMES)}")
    if table not in get_args(EmotionTable):
        raise UnknownNameError(f"no table of emotions {table!r}; known: {', '.join(get_args(EmotionTable))}")
    names = EMOTION_SCHEMES[scheme]
    by_hand = np.array([HAND_TABLE[_EMOTION_ALIASES.get(name, name)] for name in names])
    if table == "hand":
        return EmotionCategories(names=names, means=by_hand, sds=np.full(by_hand.shape, HAND_SD))
    learned = _load_learned_table()[scheme]
    means = np.array([learned[name]["mean"] for name in names], np.float64)
    sds = np.array([learned[name]["sd"] for name in names], np.float64)
    if table == "expressed":
        means[:, 1], sds[:, 1] = by_hand[:, 1], HAND_SD
    return EmotionCategories(names=names, means=means, sds=sds)


@cache
def _load_learned_table() -> Mapping[str, Mapping[str, Mapping[str, list[float]]]]:
    try:
        schemes: dict[str, dict[str, dict[str, list[float]]]] = json.loads(
            EMOTIONS_FILE.read_text(encoding="utf-8")
        )["schemes"]
    except OSError as bad:
        raise MissingBackendError(
            f"{EMOTIONS_FILE.name} is not here: python -m experiments.train affect-emotions makes it"
        ) from bad
    return schemes


def map_emotions_to_affect(
    probabilities: npt.ArrayLike, scheme: str, table: EmotionTable = "learned"
) -> Floats:
    """(n, 4) valence, arousal and their SDs of distributions (n, k) over the emotions of a scheme.

    The first two moments of the mixture of the emotions' normal distributions: with weight on two distant
    emotions the SD is large. Rows are scaled to sum 1; those with a NaN, a negative number or sum 0 give
    NaN. Raises ValueError for another number of columns, and as `load_emotion_categories` does.
    """
    categories = load_emotion_categories(scheme, table)
    shares = np.asarray(probabilities, np.float64)
    if shares.ndim != 2 or shares.shape[1] != len(categories.names):
        raise ValueError(f"{scheme} has {len(categories.names)} emotions, not the columns of {shares.shape}")
    total = shares.sum(axis=1, keepdims=True)
    usable = (shares >= 0).all(axis=1, keepdims=True) & (total > 0) & np.isfinite(total)
    shares = np.divide(shares, total, out=np.full(shares.shape, np.nan), where=usable)
    mean = shares @ categories.means
    variance = shares @ (categories.sds**2 + categories.means**2) - mean**2
    return np.hstack([mean, np.sqrt(np.maximum(variance, 0))])


def compute_emotion_posterior(rows: npt.ArrayLike) -> Floats:
    """(n, 8) posterior probability of each of Plutchik's emotions given points with their SDs (n, 4).

    Bayes' rule with the learned normal distributions, a uniform prior and the SDs as observation noise:
    P(emotion) ~ N(point; mean, sd of the emotion^2 + sd of the point^2). NaN rows stay NaN. Raises
    ValueError for rows of another width.
    """
    from scipy.special import softmax  # takes .3 s to import, which other commands need not pay

    points = np.asarray(rows, np.float64)
    if points.ndim != 2 or points.shape[1] != 4:
        raise ValueError(f"rows are (n, 4) valence, arousal and their SDs, not {points.shape}")
    emotions = load_emotion_categories("plutchik")
    variance = emotions.sds**2 + points[:, None, 2:] ** 2
    squares = (points[:, None, :2] - emotions.means) ** 2 / variance
    log_likelihood = -0.5 * (squares + np.log(variance)).sum(axis=-1)
    return np.asarray(softmax(log_likelihood, axis=1))

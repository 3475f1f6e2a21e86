"""Valence and arousal of emotion categories, estimated from ratings of videos.

Cowen and Keltner (2017) had 2185 short videos judged in 34 categories of emotion (the share of judges who
chose it) and, by others, on valence and arousal, 1 to 9. So the table is of the affect that a video
induces.

Its valence holds for more than that, its arousal less: hardly a video, be it calm or sad, is rated below
the middle, and few induce anger (7 to 25, by scheme: arousal .20, give or take .07, where the word has
.59). With the loudness of RAVDESS' actors, by emotion, the arousal of the hand table correlates by .86,
this one's by .60; with EmoBank's arousal, through NRC's words, by .12 against .04. For the emotion a voice
or a face expresses rather than the one a video induces, use the arousal of the hand table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import write_atomically
from experiments.datasets.cowen_keltner import VideoRatings, load_ratings
from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.report_figure import (
    DIMENSIONS,
    EvaluationPart,
    MetricResult,
    measure_metric,
    pair_ccc,
)
from retrieval.evaluation import ccc, make_group_folds
from spaces.circumplex import EMOTION_SCHEMES, EMOTIONS_FILE, load_emotion_categories

Floats = npt.NDArray[np.float64]
JsonDict = dict[str, Any]

N_FOLDS = 10
TRAINING_DATA = (
    "Cowen and Keltner (2017, PNAS): 2185 short videos judged in 34 categories of emotion and, by others, on "
    "valence and arousal (1 to 9). What a video makes people feel: boredom stands in for neutral, and the "
    "arousal is doubtful for what a face or a voice shows, as few videos made anyone angry; for those the "
    "table of expressed emotions takes it by hand"
)
LICENCE = "ratings posted by their authors for research, in a mirror under MIT; the file holds means alone"
RIDGE_PENALTY = 3.0  # towards the weighted mean, in videos; 0.1 to 10 give the same within .03 CCC
MIN_SHARE_SUM = 0.5  # least sum of an emotion scheme's shares, for a video to be evaluated on

POSITIVE_EMOTIONS = ("Joy", "Amusement", "Excitement", "Satisfaction", "Triumph", "Pride")
SORROW_EMOTIONS = ("Sadness", "Disappointment", "Empathic Pain", "Sympathy", "Guilt")
THREAT_EMOTIONS = ("Fear", "Anxiety", "Horror")
HOSTILE_EMOTIONS = ("Anger", "Contempt")

EMOTION_GROUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "fer": {
        "angry": HOSTILE_EMOTIONS,
        "disgust": ("Disgust",),
        "fear": THREAT_EMOTIONS,
        "happy": (*POSITIVE_EMOTIONS, "Adoration"),
        "sad": SORROW_EMOTIONS,
        "surprise": ("Surprise",),
        "neutral": ("Boredom",),
    },
    "plutchik": {
        "joy": POSITIVE_EMOTIONS,
        "trust": ("Admiration", "Adoration", "Romance"),
        "surprise": ("Surprise", "Awe"),
        "anticipation": ("Interest", "Craving"),
        "sadness": SORROW_EMOTIONS,
        "fear": THREAT_EMOTIONS,
        "disgust": ("Disgust",),
        "anger": HOSTILE_EMOTIONS,
    },
    "ravdess": {
        "neutral": ("Boredom",),
        "calm": ("Calmness",),
        "happy": (*POSITIVE_EMOTIONS, "Adoration"),
        "sad": SORROW_EMOTIONS,
        "angry": HOSTILE_EMOTIONS,
        "fearful": THREAT_EMOTIONS,
        "disgust": ("Disgust",),
        "surprised": ("Surprise",),
    },
}
"""Cowen and Keltner's categories behind each emotion of a scheme. Judges had no "neutral": boredom stands for
it. In Plutchik's scheme amazement is a strong surprise (awe), admiration a strong trust, love is next
to it, interest is a mild anticipation. Categories without a counterpart (nostalgia, relief, entrancement,
sexual desire,
...) are left out."""


def sum_shares(video_ratings: VideoRatings, scheme: str) -> Floats:
    """(n, k) summed shares of the categories behind each emotion of a scheme, in its order."""
    groups = EMOTION_GROUPS[scheme]
    columns = [
        [video_ratings.emotion_names.index(name) for name in groups[emotion]]
        for emotion in EMOTION_SCHEMES[scheme]
    ]
    return np.stack([video_ratings.shares[:, group].sum(axis=1) for group in columns], axis=1)


def fit(data_root: Path = DATA_ROOT) -> JsonDict:
    """The fitted tables of all schemes, the content of spaces/weights/emotions.json. Raises AffectError."""
    video_ratings = load_ratings(data_root)
    return {
        "about": {
            "learnt from": "Cowen and Keltner (2017, PNAS), 2185 videos: 34 emotions, valence, arousal",
            "scale": "valence and arousal (rating - 5) / 4, ratings 1 to 9",
            "made by": "python -m experiments.train affect-emotions",
            "videos": "in which the emotion is the strongest of its scheme",
        },
        "schemes": {scheme: _make_table(video_ratings, scheme) for scheme in EMOTION_SCHEMES},
    }


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Write emotions.json into `out_folder` (default: the package). Nothing in it is random."""
    path = EMOTIONS_FILE if out_folder is None else out_folder / EMOTIONS_FILE.name
    write_atomically(path, (json.dumps(fit(data_root), indent=1) + "\n").encode())
    return [path]


def _make_table(video_ratings: VideoRatings, scheme: str) -> JsonDict:
    shares = sum_shares(video_ratings, scheme)
    means, sds = fit_emotion_moments(shares, video_ratings.affect)
    strongest = np.bincount(shares[shares.sum(axis=1) > 0].argmax(axis=1), minlength=shares.shape[1])
    return {
        name: {"mean": mean.round(4).tolist(), "sd": sd.round(4).tolist(), "videos": int(count)}
        for name, mean, sd, count in zip(EMOTION_SCHEMES[scheme], means, sds, strongest, strict=True)
    }


def fit_emotion_moments(shares: Floats, affect: Floats) -> tuple[Floats, Floats]:
    """(k, 2) means and SDs of emotions whose mixtures, by shares (n, k), fit the affect (n, 2) best.

    Ridge regression without a constant: a mean is the affect of a video of this emotion alone, shrunk
    towards the mean of videos weighted by its share, which itself is too near the middle, as videos are
    mixed. Videos weigh by their summed shares. The SD is that of the residuals, weighted by share.
    """
    weight = shares.sum(axis=1)
    mixed = normalise_shares(shares)
    plain = (shares.T @ affect) / shares.sum(axis=0)[:, None]
    within = mixed.T @ (weight[:, None] * mixed) + RIDGE_PENALTY * np.eye(shares.shape[1])
    means = plain + np.linalg.solve(within, mixed.T @ (weight[:, None] * (affect - mixed @ plain)))
    squared_residuals = (affect - mixed @ means) ** 2
    return means, np.sqrt((shares.T @ squared_residuals) / shares.sum(axis=0)[:, None])


def normalise_shares(shares: Floats) -> Floats:
    """(n, k) shares divided by their sum; all zero where nobody chose an emotion of the scheme."""
    weight = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, weight, out=np.zeros_like(shares), where=weight > 0)


def predict_held_out(video_ratings: VideoRatings, scheme: str, *, seed: int) -> tuple[Floats, Floats, Floats]:
    """Affect of videos (n, 2): rated, predicted by tables of other folds, predicted by the hand table.

    Videos with less than MIN_SHARE_SUM of the scheme's emotions are left out.
    """
    shares = sum_shares(video_ratings, scheme)
    fitted = np.full(video_ratings.affect.shape, np.nan)
    for fold in make_group_folds(range(len(shares)), N_FOLDS, seed):
        others = np.setdiff1d(np.arange(len(shares)), fold)
        means, _ = fit_emotion_moments(shares[others], video_ratings.affect[others])
        fitted[fold] = normalise_shares(shares[fold]) @ means
    is_covered = shares.sum(axis=1) >= MIN_SHARE_SUM
    by_hand = normalise_shares(shares) @ load_emotion_categories(scheme, "hand").means
    return video_ratings.affect[is_covered], fitted[is_covered], by_hand[is_covered]


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """CCC of each scheme's fitted table on held-out videos, beside the hand table's; only by folds."""
    if part != "folds":
        return []
    ratings = load_ratings(data_root)
    return [result for scheme in EMOTION_SCHEMES for result in _evaluate_scheme(ratings, scheme, seed)]


def _evaluate_scheme(video_ratings: VideoRatings, scheme: str, seed: int) -> list[MetricResult]:
    truth, fitted, by_hand = predict_held_out(video_ratings, scheme, seed=seed)
    return [
        measure_metric(
            "cowen-keltner", f"{name} CCC from {scheme}'s {len(EMOTION_SCHEMES[scheme])} emotions",
            np.stack([fitted[:, column], truth[:, column]], axis=1),
            pair_ccc, part="folds", seed=seed,
            baseline=f"hand table {float(ccc(by_hand[:, column], truth[:, column])):.2f}",
        )
        for column, name in enumerate(DIMENSIONS)
    ]  # fmt: skip

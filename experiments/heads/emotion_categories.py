"""Where emotions lie on the plane, learned from people's ratings.

Cowen and Keltner (2017) had 2185 short videos judged in 34 categories of emotion (the share of judges who
felt it) and, by others, on valence and arousal, 1 to 9. So the table tells what a video makes people feel.

Its valence holds for more than that, its arousal less: hardly a video, be it calm or sad, rests below the
middle, and few make people angry (7 to 25, by scheme: arousal .20, give or take .07, where the word has .59).
Of how loud RAVDESS' actors speak, by emotion, the hand table's arousal tells r = .86, this one's .60; of
EmoBank's arousal, through NRC's words, .12 against .04. For what a voice or a face shows rather than what a
video does to people, take arousal from the hand table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, to_printable
from encoders.files import write_atomically
from experiments.datasets.data_root import DATA_ROOT
from experiments.datasets.records import parse_text_file
from experiments.heads.report_figure import DIMENSIONS, EvaluationPart, MetricResult, measure_metric
from retrieval.evaluation.affect_metrics import ccc
from retrieval.evaluation.splits import make_group_folds
from spaces.circumplex import EMOTION_SCHEMES, EMOTIONS_FILE, RATING_SCALES, load_emotion_categories, rescale

Floats = npt.NDArray[np.float64]
JsonDict = dict[str, Any]

RATINGS_FILE = Path("cowen_keltner_ratings") / "CowenKeltnerEmotionalVideos.csv"
RATINGS_DESCRIPTION = "Cowen and Keltner's table of 34 emotions and 14 dimensions"
N_EMOTIONS = 34
N_FOLDS = 10
TRAINING_DATA = (
    "Cowen and Keltner (2017, PNAS): 2185 short videos judged in 34 categories of emotion and, by others, on "
    "valence and arousal (1 to 9). What a video makes people feel: boredom stands in for neutral, and the "
    "arousal is doubtful for what a face or a voice shows, as few videos made anyone angry; for those the "
    "table of expressed emotions takes it by hand"
)
LICENCE = "ratings posted by their authors for research, in a mirror under MIT; the file holds means alone"
RIDGE_PENALTY = (
    3.0  # videos' worth of pull to the plain weighted mean; 0.1 to 10 give the same within .03 CCC
)
MIN_SHARE_SUM = 0.5  # least sum of an emotion scheme's shares, for a video to be measured on

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
"""What Cowen and Keltner's categories are taken for. Their judges had no "neutral": a video that bores moved
nobody, and stands for it. Plutchik's amazement is a strong surprise (awe), admiration a strong trust, love
lies beside it, interest is a mild anticipation. What has no counterpart (nostalgia, relief, entrancement,
sexual desire, ...) is left out."""


@dataclass(frozen=True, eq=False, kw_only=True)
class VideoRatings:
    """Videos as people judged them: shares (n, 34) of `emotion_names`, points (n, 2) in [-1, 1]."""

    emotion_names: tuple[str, ...]
    shares: Floats
    affect: Floats

    def sum_shares(self, scheme: str) -> Floats:
        """(n, k) summed shares of the categories behind each emotion of a scheme, in its order."""
        groups = EMOTION_GROUPS[scheme]
        columns = [
            [self.emotion_names.index(name) for name in groups[emotion]]
            for emotion in EMOTION_SCHEMES[scheme]
        ]
        return np.stack([self.shares[:, some].sum(axis=1) for some in columns], axis=1)


def load_ratings(data_root: Path = DATA_ROOT) -> VideoRatings:
    """Read the table. Raises AffectError if it is not there, or not this one."""
    lines = parse_text_file(
        data_root / RATINGS_FILE,
        lambda text: list(csv.reader(io.StringIO(text, newline=""))),
        RATINGS_DESCRIPTION,
    )
    try:
        head, body = lines[0], lines[1:]
        # "arousal" is there twice: the dimension first, a word that people wrote much later
        rated = [[row[head.index(name)] for name in DIMENSIONS] for row in body]
        shares = np.array([row[1 : 1 + N_EMOTIONS] for row in body], np.float64)
        points = rescale(np.array(rated, np.float64), *RATING_SCALES["cowen-keltner"])
    except (ValueError, IndexError) as bad:
        raise AffectError(f"{to_printable(data_root / RATINGS_FILE)}: not {RATINGS_DESCRIPTION}") from bad
    return VideoRatings(emotion_names=tuple(head[1 : 1 + N_EMOTIONS]), shares=shares, affect=points)


def fit(data_root: Path = DATA_ROOT) -> JsonDict:
    """The learned tables of all schemes, as spaces/weights/emotions.json holds them. Raises AffectError."""
    judged = load_ratings(data_root)
    return {
        "about": {
            "learnt from": "Cowen and Keltner (2017, PNAS), 2185 videos: 34 emotions, valence, arousal",
            "scale": "valence and arousal (rating - 5) / 4, ratings 1 to 9",
            "made by": "python -m experiments.train affect-emotions",
            "videos": "in which the emotion is the strongest of its scheme",
        },
        "schemes": {scheme: _make_table(judged, scheme) for scheme in EMOTION_SCHEMES},
    }


def fit_and_save(data_root: Path, out_folder: Path | None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Write emotions.json into `out_folder`, by default where it ships. Nothing in it is drawn at random."""
    file = EMOTIONS_FILE if out_folder is None else out_folder / EMOTIONS_FILE.name
    write_atomically(file, (json.dumps(fit(data_root), indent=1) + "\n").encode())
    return [file]


def _make_table(video_ratings: VideoRatings, scheme: str) -> JsonDict:
    shares = video_ratings.sum_shares(scheme)
    means, sds = fit_emotion_moments(shares, video_ratings.affect)
    strongest = np.bincount(shares[shares.sum(axis=1) > 0].argmax(axis=1), minlength=shares.shape[1])
    return {
        name: {"mean": mean.round(4).tolist(), "sd": sd.round(4).tolist(), "videos": int(count)}
        for name, mean, sd, count in zip(EMOTION_SCHEMES[scheme], means, sds, strongest, strict=True)
    }


def fit_emotion_moments(shares: Floats, affect: Floats) -> tuple[Floats, Floats]:
    """(k, 2) means and SDs of emotions whose mixtures, by shares (n, k), tell the points (n, 2) best.

    Ridge regression without a constant: the means are where a video that is nothing but this emotion would
    lie, and are drawn towards the mean of videos weighted by its share, which alone would lie too near the
    middle, as videos are mixed. Videos count by their summed shares. The SD is that of what the mixtures
    leave, weighted by share.
    """
    weight = shares.sum(axis=1)
    mixed = normalise_shares(shares)
    plain = (shares.T @ affect) / shares.sum(axis=0)[:, None]
    within = mixed.T @ (weight[:, None] * mixed) + RIDGE_PENALTY * np.eye(shares.shape[1])
    means = plain + np.linalg.solve(within, mixed.T @ (weight[:, None] * (affect - mixed @ plain)))
    left = (affect - mixed @ means) ** 2
    return means, np.sqrt((shares.T @ left) / shares.sum(axis=0)[:, None])


def normalise_shares(shares: Floats) -> Floats:
    """(n, k) shares brought to sum 1; all zero where nobody named an emotion of the scheme."""
    weight = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, weight, out=np.zeros_like(shares), where=weight > 0)


def predict_held_out(video_ratings: VideoRatings, scheme: str, *, seed: int) -> tuple[Floats, Floats, Floats]:
    """Points of videos (n, 2) as rated, as told by tables learned on other folds, as told by the hand table.

    Videos in which people felt little of the scheme's emotions (FELT) are left out.
    """
    shares = video_ratings.sum_shares(scheme)
    learned = np.full(video_ratings.affect.shape, np.nan)
    for fold in make_group_folds(range(len(shares)), N_FOLDS, seed):
        others = np.setdiff1d(np.arange(len(shares)), fold)
        means, _ = fit_emotion_moments(shares[others], video_ratings.affect[others])
        learned[fold] = normalise_shares(shares[fold]) @ means
    felt = shares.sum(axis=1) >= MIN_SHARE_SUM
    by_hand = normalise_shares(shares) @ load_emotion_categories(scheme, "hand").means
    return video_ratings.affect[felt], learned[felt], by_hand[felt]


def evaluate(data_root: Path = DATA_ROOT, *, seed: int, part: EvaluationPart = "folds") -> list[MetricResult]:
    """CCC of each scheme's learned table on held-out videos, beside the hand table's; none but by folds."""
    if part != "folds":
        return []
    judged = load_ratings(data_root)
    return [found for scheme in EMOTION_SCHEMES for found in _evaluate_scheme(judged, scheme, seed)]


def _evaluate_scheme(video_ratings: VideoRatings, scheme: str, seed: int) -> list[MetricResult]:
    truth, learned, by_hand = predict_held_out(video_ratings, scheme, seed=seed)
    return [
        measure_metric(
            "cowen-keltner", f"{name} CCC from {scheme}'s {len(EMOTION_SCHEMES[scheme])} emotions",
            np.stack([learned[:, column], truth[:, column]], axis=1),
            lambda pairs: float(ccc(pairs[:, 0], pairs[:, 1])), part="folds", seed=seed,
            baseline=f"hand table {float(ccc(by_hand[:, column], truth[:, column])):.2f}",
        )
        for column, name in enumerate(DIMENSIONS)
    ]  # fmt: skip

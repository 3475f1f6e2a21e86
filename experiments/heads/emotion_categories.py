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

from encoders.base import AffectError, printable
from encoders.onnx_runtime import write_whole
from experiments.datasets.records import DATA, reading
from experiments.heads.report_figure import DIMENSIONS, Line, Part, line
from retrieval.evaluation.affect_metrics import ccc
from retrieval.evaluation.splits import folds
from spaces.circumplex import EMOTIONS_FILE, SCALES, SCHEMES, categories, rescale

Floats = npt.NDArray[np.float64]
Told = dict[str, Any]

FILE = Path("cowen_keltner_ratings") / "CowenKeltnerEmotionalVideos.csv"
WANTED = "Cowen and Keltner's table of 34 emotions and 14 dimensions"
EMOTIONS = 34
FOLDS = 10
TOLD = (
    "Cowen and Keltner (2017, PNAS): 2185 short videos judged in 34 categories of emotion and, by others, on "
    "valence and arousal (1 to 9). What a video makes people feel: boredom stands in for neutral, and the "
    "arousal is doubtful for what a face or a voice shows, as few videos made anyone angry; for those the "
    "table of expressed emotions takes it by hand"
)
LICENCE = "ratings posted by their authors for research, in a mirror under MIT; the file holds means alone"
PULL = 3.0  # videos' worth of pull to the plain weighted mean; 0.1 to 10 give the same within .03 CCC
FELT = 0.5  # least sum of an emotion scheme's shares, for a video to be measured on

POSITIVE = ("Joy", "Amusement", "Excitement", "Satisfaction", "Triumph", "Pride")
SORROW = ("Sadness", "Disappointment", "Empathic Pain", "Sympathy", "Guilt")
THREAT = ("Fear", "Anxiety", "Horror")
HOSTILE = ("Anger", "Contempt")

GROUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "fer": {
        "angry": HOSTILE,
        "disgust": ("Disgust",),
        "fear": THREAT,
        "happy": (*POSITIVE, "Adoration"),
        "sad": SORROW,
        "surprise": ("Surprise",),
        "neutral": ("Boredom",),
    },
    "plutchik": {
        "joy": POSITIVE,
        "trust": ("Admiration", "Adoration", "Romance"),
        "surprise": ("Surprise", "Awe"),
        "anticipation": ("Interest", "Craving"),
        "sadness": SORROW,
        "fear": THREAT,
        "disgust": ("Disgust",),
        "anger": HOSTILE,
    },
    "ravdess": {
        "neutral": ("Boredom",),
        "calm": ("Calmness",),
        "happy": (*POSITIVE, "Adoration"),
        "sad": SORROW,
        "angry": HOSTILE,
        "fearful": THREAT,
        "disgust": ("Disgust",),
        "surprised": ("Surprise",),
    },
}
"""What Cowen and Keltner's categories are taken for. Their judges had no "neutral": a video that bores moved
nobody, and stands for it. Plutchik's amazement is a strong surprise (awe), admiration a strong trust, love
lies beside it, interest is a mild anticipation. What has no counterpart (nostalgia, relief, entrancement,
sexual desire, ...) is left out."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Ratings:
    """Videos as people judged them: shares (n, 34) of the categories `names`, points (n, 2) in [-1, 1]."""

    names: tuple[str, ...]
    shares: Floats
    points: Floats

    def shares_of(self, scheme: str) -> Floats:
        """(n, k) summed shares of the categories behind each emotion of a scheme, in its order."""
        groups = GROUPS[scheme]
        columns = [[self.names.index(name) for name in groups[emotion]] for emotion in SCHEMES[scheme]]
        return np.stack([self.shares[:, some].sum(axis=1) for some in columns], axis=1)


def ratings(data: Path = DATA) -> Ratings:
    """Read the table. Raises AffectError if it is not there, or not this one."""
    lines = reading(data / FILE, lambda text: list(csv.reader(io.StringIO(text, newline=""))), WANTED)
    try:
        head, body = lines[0], lines[1:]
        # "arousal" is there twice: the dimension first, a word that people wrote much later
        rated = [[row[head.index(name)] for name in DIMENSIONS] for row in body]
        shares = np.array([row[1 : 1 + EMOTIONS] for row in body], np.float64)
        points = rescale(np.array(rated, np.float64), *SCALES["cowen-keltner"])
    except (ValueError, IndexError) as bad:
        raise AffectError(f"{printable(data / FILE)}: not {WANTED}") from bad
    return Ratings(names=tuple(head[1 : 1 + EMOTIONS]), shares=shares, points=points)


def fit(data: Path = DATA) -> Told:
    """The learned tables of all schemes, as spaces/weights/emotions.json holds them. Raises AffectError."""
    judged = ratings(data)
    return {
        "about": {
            "learnt from": "Cowen and Keltner (2017, PNAS), 2185 videos: 34 emotions, valence, arousal",
            "scale": "valence and arousal (rating - 5) / 4, ratings 1 to 9",
            "made by": "python -m experiments.train affect-emotions",
            "videos": "in which the emotion is the strongest of its scheme",
        },
        "schemes": {scheme: _table(judged, scheme) for scheme in SCHEMES},
    }


def make(data: Path, out: Path | None, *, seed: int, quiet: bool = False) -> list[Path]:
    """Write emotions.json into `out`, by default where it ships. Nothing in it is drawn at random."""
    file = EMOTIONS_FILE if out is None else out / EMOTIONS_FILE.name
    write_whole(file, (json.dumps(fit(data), indent=1) + "\n").encode())
    return [file]


def _table(judged: Ratings, scheme: str) -> Told:
    shares = judged.shares_of(scheme)
    means, sds = moments(shares, judged.points)
    strongest = np.bincount(shares[shares.sum(axis=1) > 0].argmax(axis=1), minlength=shares.shape[1])
    return {
        name: {"mean": mean.round(4).tolist(), "sd": sd.round(4).tolist(), "videos": int(count)}
        for name, mean, sd, count in zip(SCHEMES[scheme], means, sds, strongest, strict=True)
    }


def moments(shares: Floats, points: Floats) -> tuple[Floats, Floats]:
    """(k, 2) means and SDs of emotions whose mixtures, by shares (n, k), tell the points (n, 2) best.

    Ridge regression without a constant: the means are where a video that is nothing but this emotion would
    lie, and are drawn towards the mean of videos weighted by its share, which alone would lie too near the
    middle, as videos are mixed. Videos count by their summed shares. The SD is that of what the mixtures
    leave, weighted by share.
    """
    weight = shares.sum(axis=1)
    mixed = mixtures(shares)
    plain = (shares.T @ points) / shares.sum(axis=0)[:, None]
    within = mixed.T @ (weight[:, None] * mixed) + PULL * np.eye(shares.shape[1])
    means = plain + np.linalg.solve(within, mixed.T @ (weight[:, None] * (points - mixed @ plain)))
    left = (points - mixed @ means) ** 2
    return means, np.sqrt((shares.T @ left) / shares.sum(axis=0)[:, None])


def mixtures(shares: Floats) -> Floats:
    """(n, k) shares brought to sum 1; all zero where nobody named an emotion of the scheme."""
    weight = shares.sum(axis=1, keepdims=True)
    return np.divide(shares, weight, out=np.zeros_like(shares), where=weight > 0)


def held_out(judged: Ratings, scheme: str, *, seed: int) -> tuple[Floats, Floats, Floats]:
    """Points of videos (n, 2) as rated, as told by tables learned on other folds, as told by the hand table.

    Videos in which people felt little of the scheme's emotions (FELT) are left out.
    """
    shares = judged.shares_of(scheme)
    learned = np.full(judged.points.shape, np.nan)
    for fold in folds(range(len(shares)), FOLDS, seed):
        others = np.setdiff1d(np.arange(len(shares)), fold)
        means, _ = moments(shares[others], judged.points[others])
        learned[fold] = mixtures(shares[fold]) @ means
    felt = shares.sum(axis=1) >= FELT
    by_hand = mixtures(shares) @ categories(scheme, "hand").means
    return judged.points[felt], learned[felt], by_hand[felt]


def figures(data: Path = DATA, *, seed: int, part: Part = "folds") -> list[Line]:
    """CCC of each scheme's learned table on held-out videos, beside the hand table's; none but by folds."""
    if part != "folds":
        return []
    judged = ratings(data)
    return [found for scheme in SCHEMES for found in _lines(judged, scheme, seed)]


def _lines(judged: Ratings, scheme: str, seed: int) -> list[Line]:
    truth, learned, by_hand = held_out(judged, scheme, seed=seed)
    return [
        line(
            "cowen-keltner", f"{name} CCC from {scheme}'s {len(SCHEMES[scheme])} emotions",
            np.stack([learned[:, column], truth[:, column]], axis=1),
            lambda pairs: float(ccc(pairs[:, 0], pairs[:, 1])), part="folds", seed=seed,
            floor=f"hand table {float(ccc(by_hand[:, column], truth[:, column])):.2f}",
        )
        for column, name in enumerate(DIMENSIONS)
    ]  # fmt: skip

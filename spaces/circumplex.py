"""Russell's circumplex: the plane of moods, its scales, words, emotions and what a point on it may claim.

A point is (valence, arousal), each in [-1, 1]: how pleasant, how stirred (Russell 1980). Rows are points
(n, 2), or points with the standard deviation of each dimension (n, 4). A missing point is NaN, never 0, which
is a mood of its own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, MissingBackendError, UnknownNameError

Floats = npt.NDArray[np.float64]
EmotionTable = Literal["learned", "hand", "expressed"]

DIMENSIONS = ("valence", "arousal")
EMOTIONS_FILE = Path(__file__).parent / "weights" / "emotions.json"

RATING_SCALES: Mapping[str, tuple[float, float]] = {
    "oasis": (1, 7),
    "emobank": (1, 5),
    "caav": (1, 9),
    "liris": (1, 5),
    "cowen-keltner": (1, 9),
}
"""Lowest and highest answer of the scales that data sets were rated on."""

PRIOR_MEAN = (0.0, 0.0)
PRIOR_SD = (0.4, 0.35)
"""Where media lie before anything is known of them. Between OASIS (valence SD .43, arousal .26), CAAV (.40,
.38), Cowen and Keltner's videos (.49, .23), LIRIS-ACCEDE (.31, .48) and VGMIDI (.22, .23), whose means lie
within .27 of the middle, above and below it."""

QUADRANTS = ("happy-excited", "angry-afraid", "sad-bored", "calm-content")
"""Q1 to Q4, counted against the clock from pleasant and stirred."""


def rescale(ratings: npt.ArrayLike, low: float, high: float) -> Floats:
    """Ratings from `low` to `high`, of any shape, on [-1, 1]: `rescale(5.5, *SCALES["oasis"])`.

    Raises ValueError unless low < high.
    """
    if not low < high:
        raise ValueError(f"a scale goes up, not from {low} to {high}")
    return (2 * np.asarray(ratings, np.float64) - (low + high)) / (high - low)


def unscale(values: npt.ArrayLike, low: float, high: float) -> Floats:
    """Back from [-1, 1] to a scale; undoes `rescale` and raises as it does."""
    if not low < high:
        raise ValueError(f"a scale goes up, not from {low} to {high}")
    return (np.asarray(values, np.float64) * (high - low) + (low + high)) / 2


def distance(points: npt.ArrayLike, others: npt.ArrayLike) -> Floats:
    """Euclidean distances of points (..., 2) and (..., 2), their shapes broadcast; NaN where one is missing.

    Columns after the second (standard deviations) are not looked at.
    """
    one, other = np.asarray(points, np.float64), np.asarray(others, np.float64)
    return np.hypot(one[..., 0] - other[..., 0], one[..., 1] - other[..., 1])


def compute_reliability(sds: npt.ArrayLike) -> Floats:
    """(n,) in [0, 1] how much points with these SDs (n, 2) may claim: 1 for SD 0, 0 for an endless one.

    The prior's variance over that and the point's, as in a Kalman gain; the mean of both dimensions.
    """
    known, noise = np.square(PRIOR_SD), np.square(np.asarray(sds, np.float64))
    return np.asarray((known / (known + noise)).mean(axis=-1))


def is_uncertain(rows: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """(n,) whether estimates (n, 4) are less sure than the prior: their reliability is below 1/2. NaN: no."""
    return compute_reliability(np.asarray(rows, np.float64)[..., 2:]) < 0.5


def affinity(points: npt.ArrayLike, target: npt.ArrayLike, sds: npt.ArrayLike | None = None) -> Floats:
    """(n,) in (0, 1] how well points (n, 2) meet a target (2,): exp(-distance), weighed by reliability.

    An uncertain point is neither a match nor a miss: with reliability r its affinity is r exp(-distance)
    + (1 - r) b, where b is what a point drawn from the prior would have with this target. So one that lies
    on the target by a guess stays behind one known to be near, and before one known to be far.

    sds: (n, 2) the SD of each dimension; without them the points are taken as they are. With rows (n, 4)
         their last two columns serve.
    NaN rows stay NaN. Raises ValueError for a target that is no point.
    """
    rows, goal = np.asarray(points, np.float64), np.asarray(target, np.float64)
    if goal.shape != (2,) or not np.isfinite(goal).all():
        raise ValueError(f"a target is (valence, arousal), not {goal}")
    if sds is None and rows.shape[-1] == 4:
        sds = rows[..., 2:]
    near = np.exp(-distance(rows, goal))
    if sds is None:
        return near
    trust = compute_reliability(sds)
    return trust * near + (1 - trust) * np.exp(-distance(_make_prior_nodes(), goal)).mean()


@cache
def _make_normal_nodes() -> Floats:
    """(961, 2) points of the standard normal distribution, each as likely as any other."""
    quantiles = [NormalDist().inv_cdf((node + 0.5) / 31) for node in range(31)]
    return np.stack(np.meshgrid(quantiles, quantiles), axis=-1).reshape(-1, 2)


@cache
def _make_prior_nodes() -> Floats:
    """(961, 2) points of the prior, each as likely as any other."""
    return np.clip(np.array(PRIOR_MEAN) + np.array(PRIOR_SD) * _make_normal_nodes(), -1, 1)


def find_quadrants(points: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """(n,) the name in QUADRANTS of each point (n, 2 or more); 0 counts as above, a missing point is ""."""
    rows = np.atleast_2d(np.asarray(points, np.float64))[:, :2]
    pleasant, stirred = rows[:, 0] >= 0, rows[:, 1] >= 0
    number = np.where(stirred, np.where(pleasant, 0, 1), np.where(pleasant, 3, 2))
    return np.where(np.isnan(rows).any(axis=1), "", np.array(QUADRANTS)[number])


def _make_point_at_angle(degrees: float, radius: float = 0.75) -> tuple[float, float]:
    """The point in a direction, counted from pleasant to stirred, at the radius usual for words."""
    angle = math.radians(degrees)
    return round(radius * math.cos(angle), 2), round(radius * math.sin(angle), 2)


LANDMARKS: Mapping[str, tuple[float, float]] = {
    "happy": (0.81, 0.51),
    "joyful": (0.76, 0.48),
    "excited": (0.62, 0.75),
    "surprised": (0.40, 0.67),
    "interested": (0.64, 0.51),
    "hopeful": (0.51, 0.23),
    "angry": (-0.51, 0.59),
    "afraid": (-0.64, 0.60),
    "disgusted": (-0.60, 0.35),
    "sad": (-0.63, -0.27),
    "bored": (-0.65, -0.62),
    "relaxed": (0.68, -0.46),
    "delighted": _make_point_at_angle(24.9),
    "astonished": _make_point_at_angle(69.8),
    "tense": _make_point_at_angle(92.8),
    "alarmed": _make_point_at_angle(96.5),
    "annoyed": _make_point_at_angle(123.0),
    "distressed": _make_point_at_angle(138.0),
    "frustrated": _make_point_at_angle(141.0),
    "miserable": _make_point_at_angle(188.7),
    "gloomy": _make_point_at_angle(209.0),
    "depressed": _make_point_at_angle(210.0),
    "tired": _make_point_at_angle(267.7),
    "sleepy": _make_point_at_angle(271.9),
    "calm": _make_point_at_angle(316.2),
    "satisfied": _make_point_at_angle(319.0),
    "content": _make_point_at_angle(323.0),
    "serene": _make_point_at_angle(328.6),
    "glad": _make_point_at_angle(349.0),
    "pleased": _make_point_at_angle(353.2),
    "neutral": (0.0, 0.0),
}
"""Words by their place. The first twelve: the means people gave to terms of emotion in Russell and Mehrabian
(1977), whose scale is this one (for "afraid" theirs of "fearful"). The others: their directions in Russell
(1980, direct circular scaling), .75 from the middle, where most terms of 1977 lie. Neutral is the middle."""

LANDMARK_SYNONYMS: Mapping[str, str] = {
    "happiness": "happy",
    "joy": "joyful",
    "excitement": "excited",
    "surprise": "surprised",
    "anticipation": "interested",
    "anger": "angry",
    "fear": "afraid",
    "scared": "afraid",
    "disgust": "disgusted",
    "sadness": "sad",
    "boredom": "bored",
    "peaceful": "serene",
}
"""Other words that people ask by."""


LANDMARK_RADIUS = 0.375
"""How far on the plane a word reaches: half way from the middle to where most words lie (.75), so that
"neutral" and they share no point."""
MIN_LANDMARK_PROBABILITY = 0.6
"""Of an estimate's distribution within a word's reach, for the word to be told. Of words other than "neutral"
so told, people's ratings lie within reach of 57 % (EmoBank's sentences), 67 % (OASIS' themes) and 94 %
(CAAV's phrases); at .5 of 33, 67 and 90 %. A photo by itself (SD .36, .23) never has more than .57."""


def find_nearest_landmark(point: npt.ArrayLike) -> str | None:
    """The word nearest to a point (2 or more,), by distance; None for a missing point."""
    row = np.asarray(point, np.float64)
    if np.isnan(row[:2]).any():
        return None
    return list(LANDMARKS)[int(distance(np.array(list(LANDMARKS.values())), row).argmin())]


def find_confident_landmark(row: npt.ArrayLike) -> str | None:
    """The nearest word to an estimate (valence, arousal and their SDs), None where it is not sure enough.

    It is where at least LEAST_SHARE of the estimate's normal distribution lies within WORD_REACH of the word.
    An estimate as wide as the prior gets none, "neutral" included, for it may lie anywhere; nor does one
    between words. None for a missing estimate. Raises ValueError for a row that is not (4,).
    """
    estimate = np.asarray(row, np.float64)
    if estimate.shape != (4,):
        raise ValueError(f"an estimate is valence, arousal and their SDs, not of shape {estimate.shape}")
    word = find_nearest_landmark(estimate)
    if word is None:
        return None
    share = (
        distance(estimate[:2] + estimate[2:] * _make_normal_nodes(), LANDMARKS[word]) <= LANDMARK_RADIUS
    ).mean()
    return word if share >= MIN_LANDMARK_PROBABILITY else None


def parse_mood(text: str) -> tuple[float, float] | str:
    """(valence, arousal) of a landmark such as "calm" or of numbers such as "0.3,-0.5"; else the phrase.

    A phrase has a letter; what feeling it names is for a text regressor to say
    (`retrieval.search.affect_search.resolve_mood`).
    Raises AffectError for text without a letter and for numbers that are no point.
    """
    phrase = text.strip()
    word = phrase.lower()
    word = LANDMARK_SYNONYMS.get(word, word)
    if word in LANDMARKS:
        return LANDMARKS[word]
    numbers = _parse_numbers(word)
    if numbers is None:
        if any(map(str.isalpha, phrase)):
            return phrase
        raise AffectError(f"no mood {text!r}: no words in it; {format_landmarks()}")
    if len(numbers) != 2:
        raise AffectError(f"mood {text!r}: two numbers are wanted, valence and arousal, as in 0.3,-0.5")
    for name, number in zip(DIMENSIONS, numbers, strict=True):
        if not -1 <= number <= 1:
            raise AffectError(f"mood {text!r}: {name} must lie between -1 and 1, not {number}")
    return numbers[0], numbers[1]


def _parse_numbers(text: str) -> list[float] | None:
    """Those between commas; None where one is none, and for one word ("infinity")."""
    try:
        return None if text.isalpha() else [float(part) for part in text.split(",")]
    except ValueError:
        return None


def format_landmarks() -> str:
    """The landmarks and the form of a point, for messages."""
    return f"landmarks: {', '.join(sorted(LANDMARKS))}; or valence,arousal such as 0.3,-0.5"


def suggest_landmark(word: str) -> str | None:
    """The landmark that a word is one slip away from: a letter too many, too few, wrong, or two swapped."""
    slips = (
        name for name in (*LANDMARKS, *LANDMARK_SYNONYMS) if _is_one_edit_apart(word.strip().lower(), name)
    )
    found = next(slips, None)
    return LANDMARK_SYNONYMS.get(found, found) if found else None


def _count_common_prefix(one: str, other: str) -> int:
    """How many letters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _is_one_edit_apart(one: str, other: str) -> bool:
    """Whether two words are 1 apart, as Damerau and Levenshtein count: two letters swapped are one slip."""
    begin = _count_common_prefix(one, other)
    one, other = one[begin:], other[begin:]
    end = _count_common_prefix(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    swapped = len(one) == 2 and one == other[::-1]
    return one != other and (swapped or (len(one) <= 1 and len(other) <= 1))


@dataclass(frozen=True, eq=False, kw_only=True)
class EmotionCategories:
    """Emotions on the plane: their names (k,), means (k, 2) and standard deviations (k, 2)."""

    names: tuple[str, ...]
    means: Floats
    sds: Floats


EMOTION_SCHEMES: Mapping[str, tuple[str, ...]] = {
    "fer": ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    "plutchik": ("joy", "trust", "surprise", "anticipation", "sadness", "fear", "disgust", "anger"),
    "ravdess": ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
}
"""Sets of emotions, in the order of their columns: of faces (encoders.faces.EMOTIONS), Plutchik's eight
(1980), of RAVDESS' actors (Livingstone and Russo 2018)."""

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
"""The table commonly set by hand: Russell and Mehrabian's (1977) means for the words angry, disgusted,
fearful, joyful, happy, sad, surprised, relaxed, respectful and interested; neutral is the middle."""
HAND_SD = 0.3  # of people about these means, in both dimensions

_EMOTION_ALIASES = {"angry": "anger", "fearful": "fear", "sad": "sadness", "surprised": "surprise"}


def load_emotion_categories(scheme: str, table: EmotionTable = "learned") -> EmotionCategories:
    """Where the emotions of a scheme lie. learned: from people's ratings of videos; hand: BY_HAND;
    expressed: for faces and voices, valence as learned and arousal by hand.

    The learned table (experiments/heads/emotion_categories.py) tells what a video made people feel. That is
    not how
    stirred a face or voice is that shows it: against how loud RAVDESS' actors speak, by emotion, learned
    arousal has r .60 and the hand table's .86; few videos made anyone angry. Raises
    UnknownNameError for another scheme or table, MissingBackendError where the learned one's file is lost.
    """
    if scheme not in EMOTION_SCHEMES:
        raise UnknownNameError(f"no set of emotions {scheme!r}; known: {', '.join(EMOTION_SCHEMES)}")
    if table not in get_args(EmotionTable):
        raise UnknownNameError(f"no table of emotions {table!r}; known: {', '.join(get_args(EmotionTable))}")
    names = EMOTION_SCHEMES[scheme]
    by_hand = np.array([HAND_TABLE[_EMOTION_ALIASES.get(name, name)] for name in names])
    if table == "hand":
        return EmotionCategories(names=names, means=by_hand, sds=np.full(by_hand.shape, HAND_SD))
    found = _load_learned_table()[scheme]
    means = np.array([found[name]["mean"] for name in names], np.float64)
    sds = np.array([found[name]["sd"] for name in names], np.float64)
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

    The first two moments of the mixture of the emotions' normal distributions: unsure which of two distant
    emotions it is, the SD is large. Rows are brought to sum 1; those with a NaN, a negative number or sum 0
    come back NaN. Raises ValueError for another number of columns, and as `categories` does.
    """
    known = load_emotion_categories(scheme, table)
    shares = np.asarray(probabilities, np.float64)
    if shares.ndim != 2 or shares.shape[1] != len(known.names):
        raise ValueError(f"{scheme} has {len(known.names)} emotions, not the columns of {shares.shape}")
    total = shares.sum(axis=1, keepdims=True)
    usable = (shares >= 0).all(axis=1, keepdims=True) & (total > 0) & np.isfinite(total)
    shares = np.divide(shares, total, out=np.full(shares.shape, np.nan), where=usable)
    mean = shares @ known.means
    variance = shares @ (known.sds**2 + known.means**2) - mean**2
    return np.hstack([mean, np.sqrt(np.maximum(variance, 0))])


def compute_emotion_posterior(rows: npt.ArrayLike) -> Floats:
    """(n, 8) how likely each of Plutchik's emotions is, given points with their SDs (n, 4); NaN rows stay.

    Bayes' rule with the learned normal distributions, the point being seen through noise of its SDs:
    P(emotion) ~ N(point; mean, sd of the emotion^2 + sd of the point^2), the same for all beforehand. So the
    vaguer the point the more even the answer. Raises ValueError for rows of another width.
    """
    points = np.asarray(rows, np.float64)
    if points.ndim != 2 or points.shape[1] != 4:
        raise ValueError(f"rows are (n, 4) valence, arousal and their SDs, not {points.shape}")
    known = load_emotion_categories("plutchik")
    variance = known.sds**2 + points[:, None, 2:] ** 2
    log = -0.5 * ((points[:, None, :2] - known.means) ** 2 / variance + np.log(variance)).sum(axis=-1)
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


@dataclass(frozen=True, kw_only=True)
class AffectTrajectory:
    """How a mood goes over time, in points (valence, arousal).

    mean:   of the known points
    start, end: the first and the last known point
    peak:   the known point farthest from the mean, the first of equals; `peak_seconds`: when, in seconds
    slope:  change a minute of each dimension, by least squares; NaN with one known time alone
    """

    mean: tuple[float, float]
    start: tuple[float, float]
    end: tuple[float, float]
    peak: tuple[float, float]
    peak_seconds: float
    slope: tuple[float, float]


def summarise_trajectory(points: npt.ArrayLike, seconds: npt.ArrayLike) -> AffectTrajectory | None:
    """The summary of points (t, 2 or more) at `seconds` (t,), in order; missing points are skipped.

    None where no point is known. Raises ValueError for shapes that do not fit.
    """
    rows, times = np.asarray(points, np.float64), np.asarray(seconds, np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2 or times.shape != (len(rows),):
        raise ValueError(f"points (t, 2) and seconds (t,) do not fit: {rows.shape}, {times.shape}")
    known = ~np.isnan(rows[:, :2]).any(axis=1)
    rows, times = rows[known, :2], times[known]
    if not len(rows):
        return None
    mean = rows.mean(axis=0)
    peak = int(distance(rows, mean).argmax())
    return AffectTrajectory(
        mean=_to_pair(mean), start=_to_pair(rows[0]), end=_to_pair(rows[-1]), peak=_to_pair(rows[peak]),
        peak_seconds=float(times[peak]), slope=_to_pair(_compute_slope(rows, times / 60)),
    )  # fmt: skip


def _compute_slope(rows: Floats, minutes: Floats) -> Floats:
    away = minutes - minutes.mean()
    spread = float(away @ away)
    return away @ rows / spread if spread > 0 else np.full(2, np.nan)


def _to_pair(row: Floats) -> tuple[float, float]:
    return float(row[0]), float(row[1])

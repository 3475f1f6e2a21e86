"""Landmarks: words with their published place on the valence-arousal plane, and the word for an estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from spaces.circumplex.plane import distance, make_normal_nodes


def _make_point_at_angle(degrees: float, radius: float = 0.75) -> tuple[float, float]:
    """The point in a direction, in degrees from pleasant towards aroused, at the usual radius of words."""
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
"""Words and their points. The first twelve: mean ratings of emotion terms in Russell and Mehrabian (1977), on
this scale ("afraid" is their "fearful"). The others: their directions in Russell (1980, direct circular
scaling) at radius .75, where most terms of 1977 lie. Neutral is the middle."""

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
"""Other query words, and the landmark each stands for."""

LANDMARK_RADIUS = 0.375
"""Radius of a word on the plane: half of the radius at which most words lie (.75), so that "neutral" overlaps
with none of them."""
MIN_LANDMARK_PROBABILITY = 0.6
"""Least share of an estimate's distribution within LANDMARK_RADIUS of a word for the word to be reported. Of
the words other than "neutral" reported at .6, the human rating lies within the radius for 57 % (EmoBank's
sentences), 67 % (OASIS' themes) and 94 % (CAAV's phrases); at .5 for 33, 67 and 90 %. An estimate from a
photo alone (SD .36, .23) never exceeds .57."""


def find_nearest_landmark(point: npt.ArrayLike) -> str | None:
    """The word nearest to a point (2 or more,), by distance; None for a missing point."""
    row = np.asarray(point, np.float64)
    if np.isnan(row[:2]).any():
        return None
    return list(LANDMARKS)[int(distance(np.array(list(LANDMARKS.values())), row).argmin())]


def find_confident_landmark(row: npt.ArrayLike) -> str | None:
    """The nearest word to an estimate (valence, arousal and their SDs), None where it is too uncertain.

    At least MIN_LANDMARK_PROBABILITY of the estimate's normal distribution must lie within LANDMARK_RADIUS of
    the word. An estimate as wide as the prior gets none, not even "neutral"; nor does one between words, nor
    a missing one. Raises ValueError for a row that is not (4,).
    """
    estimate = np.asarray(row, np.float64)
    if estimate.shape != (4,):
        raise ValueError(f"an estimate is valence, arousal and their SDs, not of shape {estimate.shape}")
    word = find_nearest_landmark(estimate)
    if word is None:
        return None
    nodes = estimate[:2] + estimate[2:] * make_normal_nodes()
    probability = (distance(nodes, LANDMARKS[word]) <= LANDMARK_RADIUS).mean()
    return word if probability >= MIN_LANDMARK_PROBABILITY else None

"""Speech, music or other audio, from the scores of AudioSet's classes (Gemmeke et al. 2017)."""

from __future__ import annotations

from functools import cache

import numpy as np

from encoders import Rows

AUDIO_KINDS = ("speech", "music", "other")
CLASS_COUNT = 521  # of YAMNet; their order is that of its class map
SILENCE_CLASS = 494
# Classes by kind, ranges with their ends: speech, babbling and hubbub; singing, instruments and genres.
CLASS_RANGES = {"speech": ((0, 5), (65, 65)), "music": ((24, 32), (35, 35), (132, 276), (456, 458))}
MIN_SUM = 1e-6  # of scores: below it no kind is known, and all are alike
SHARPNESS = 1.5
"""Power of the sums: of 1, 1.5, 2, 3 and 4 the mean log loss is least at 1.5 and 2 (speech of RAVDESS, music
of VGMIDI and Wesnoth, animals and sounds_by_word, each kind weighing a third)."""


def has_event_scores(rows: Rows) -> bool:
    """Whether rows (n, d) are scores of these classes."""
    return rows.shape[1] == CLASS_COUNT


def estimate_audio_kinds(scores: Rows) -> Rows:
    """(n, 3) probabilities of AUDIO_KINDS from scores (n, CLASS_COUNT) in [0, 1]; NaN rows stay NaN.

    Each is proportional to a power of the sum of its classes' scores.
    """
    sums = np.maximum(scores @ make_class_membership(), MIN_SUM) ** SHARPNESS
    return np.asarray(sums / sums.sum(axis=1, keepdims=True), np.float32)


@cache
def make_class_membership() -> Rows:
    """(CLASS_COUNT, 3) 1 where a class is of a kind of AUDIO_KINDS, else 0; silence is of none."""
    kind_by_class = np.full(CLASS_COUNT, AUDIO_KINDS.index("other"))
    for kind, ranges in CLASS_RANGES.items():
        for first, last in ranges:
            kind_by_class[first : last + 1] = AUDIO_KINDS.index(kind)
    membership = np.eye(len(AUDIO_KINDS), dtype=np.float32)[kind_by_class]
    membership[SILENCE_CLASS] = 0
    return membership

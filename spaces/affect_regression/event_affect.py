"""Affect of sounds that are neither speech nor music, from the sound events that are heard in them.

The estimate is the expectation over AudioSet's classes (Gemmeke et al. 2017), each with the affect that the
text head gives its name, and over the prior, which stands for "no class is heard": label attention, as words
find sounds (`spaces.label_attention`), from the side of the sound. Its variance is that of this mixture (law
of total variance): the classes' disagreement, the text head's error about a name, and what sounds of one name
differ by. So a sound that may be an explosion or fireworks gets a mean between them and a large SD.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import MIN_CLASS_SCORE, AffectError, Rows, to_printable
from spaces.affect_regression.audio_kinds import (
    AUDIO_KINDS,
    CLASS_COUNT,
    SHARPNESS,
    make_class_membership,
)
from spaces.circumplex import PRIOR_MEAN, PRIOR_SD

Floats = npt.NDArray[np.float64]

EVENT_AFFECT_FILE = Path(__file__).parents[1] / "weights" / "affect-events.json"
MAX_LISTED, MIN_LISTED_SHARE = 3, 0.05  # classes told to have given a sound its affect


@dataclass(frozen=True, kw_only=True, eq=False)
class EventAffect:
    """The affect of the classes of sound; made by `python -m experiments.train affect-events`.

    names:  (CLASS_COUNT,) of the classes, in the order of their scores
    affect: (CLASS_COUNT, 4) of their names, by the text head
    between_sounds_sd: SD of valence and arousal between things of one name
    digest: SHA-256 of its file
    """

    names: tuple[str, ...]
    affect: Floats
    between_sounds_sd: tuple[float, float]
    digest: str = ""

    def estimate(self, scores: Rows) -> Rows:
        """Affect rows (n, 4) of sounds with scores (n, CLASS_COUNT); NaN rows stay NaN."""
        weights = weigh_events(scores)
        prior_weight = 1 - weights.sum(axis=1, keepdims=True)
        means = self.affect[:, :2]
        variances = self.affect[:, 2:] ** 2 + np.square(self.between_sounds_sd)
        mean = weights @ means + prior_weight * np.array(PRIOR_MEAN)
        second_moment = weights @ (variances + means**2) + prior_weight * (
            np.square(PRIOR_SD) + np.square(PRIOR_MEAN)
        )
        return np.concatenate([mean, np.sqrt(second_moment - mean**2)], axis=1).astype(np.float32)

    def list_largest(self, shares: npt.NDArray[np.floating]) -> list[dict[str, Any]]:
        """The classes with the largest shares (CLASS_COUNT,) in a sound's affect, and that of their names.

        At most MAX_LISTED, of MIN_LISTED_SHARE or more; as JSON.
        """
        best = np.argsort(-shares, kind="stable")[:MAX_LISTED]
        return [
            {
                "name": self.names[i], "share": round(float(shares[i]), 4),
                "valence": float(self.affect[i, 0]), "arousal": float(self.affect[i, 1]),
            }
            for i in best
            if shares[i] >= MIN_LISTED_SHARE
        ]  # fmt: skip


def weigh_events(scores: Rows) -> Floats:
    """(n, CLASS_COUNT) weight of each class in a sound that is neither speech nor music; NaN rows stay NaN.

    In proportion to a power of the scores, that of `estimate_audio_kinds`; the prior weighs as much as a
    class whose score is MIN_CLASS_SCORE, below which none is named, and takes the rest. Classes of speech and
    music weigh nothing.
    """
    is_other = make_class_membership()[:, AUDIO_KINDS.index("other")]
    powers = scores.astype(np.float64) ** SHARPNESS * is_other
    return np.asarray(powers / (powers.sum(axis=1, keepdims=True) + MIN_CLASS_SCORE**SHARPNESS))


@cache
def load_event_affect(path: Path = EVENT_AFFECT_FILE) -> EventAffect | None:
    """The packaged table; None without its file. Raises AffectError where it is malformed."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    try:
        table = json.loads(content)
        affect = np.array(list(table["classes"].values()), np.float64)
        if affect.shape != (CLASS_COUNT, 4):
            raise ValueError(f"four numbers for each of {CLASS_COUNT} classes are wanted")
        valence_sd, arousal_sd = map(float, table["between_sounds_sd"])
    except (KeyError, TypeError, ValueError) as bad:
        raise AffectError(f"{to_printable(path)}: no affect of sound events ({bad}); install again") from bad
    return EventAffect(
        names=tuple(table["classes"]), affect=affect, between_sounds_sd=(valence_sd, arousal_sd),
        digest=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip

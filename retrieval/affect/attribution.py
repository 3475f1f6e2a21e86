"""What moved an estimate of affect most: frames, half seconds, faces and words, by leaving them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, missing
from retrieval.features.affect import fuse_affect
from retrieval.features.extraction import WINDOW_HOP_SECONDS, SegmentFeatures
from retrieval.features.pipeline import FeaturePipeline
from spaces.circumplex import EMOTION_SCHEMES

Floats = npt.NDArray[np.float64]

MOST = 3  # told a sense at most ...
LEAST = 0.02  # ... if they moved it so far on the plane ...
LEAST_MOMENT = 0.002  # ... or so far, one of many moments
READ = 200  # words of a text; the network reads about as many
TRIED = 6  # words of a text that are left out in turn


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A part of what was felt, and how far valence and arousal would lie back without it.

    what:       a word, or the emotion that faces show most; empty for moments
    start, end: seconds, None where there is no time
    """

    sense: str
    effect: tuple[float, float]
    what: str = ""
    start: float | None = None
    end: float | None = None

    @property
    def size(self) -> float:
        """How far on the plane."""
        return float(np.hypot(*self.effect))

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect feel --json`; without what does not apply."""
        told = {
            "sense": self.sense,
            "what": self.what,
            "start": _rounded(self.start),
            "end": _rounded(self.end),
        }
        return {
            **{name: value for name, value in told.items() if value not in (None, "")},
            "valence": round(self.effect[0], 4),
            "arousal": round(self.effect[1], 4),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """Affect of one segment, moment by moment.

    senses: rows (1, 4) by sense, of the segment as a whole
    image:  (f, 4) of each frame; None where nobody tells of pictures
    sound:  (w, 4) of each half second; None without sound
    """

    looked: SegmentFeatures
    senses: Mapping[str, Rows]
    image: Rows | None
    sound: Rows | None


def readings(experts: FeaturePipeline, looked: Sequence[SegmentFeatures], senses: Mapping[str, Rows]) -> list[Reading]:
    """Every segment's frames and half seconds, read once; `senses` are those of the segments (n, 4)."""
    return [
        Reading(
            looked=one,
            senses={sense: rows[at : at + 1] for sense, rows in senses.items()},
            image=experts.estimate_affect_by_modality({"objects": one.frame_features}).get("image") if len(one.frame_times) else None,
            sound=experts.estimate_affect_by_modality(one.window_features).get("sound") if one.window_features and len(one.window_starts) else None,
        )
        for at, one in enumerate(looked)
    ]


def reasons(read: Sequence[Reading]) -> list[Reason]:
    """The frames, half seconds and segments with faces that moved a file's affect most, by sense.

    A frame's or half second's effect is on the mean of its sense, a face's on its segment as a whole.
    """
    told: list[Reason] = []
    if shown := [(one.looked.frame_times, one.image) for one in read if one.image is not None]:
        times, frames = (np.concatenate(part) for part in zip(*shown, strict=True))
        told += _moments_that_moved("image", frames, times, 0.0)
    if heard := [(one.looked.window_starts, one.sound) for one in read if one.sound is not None]:
        starts, moments = (np.concatenate(part) for part in zip(*heard, strict=True))
        told += _moments_that_moved("sound", moments, starts, WINDOW_HOP_SECONDS)
    return told + _best([reason for one in read for reason in _face(one)])


def words_that_moved(
    feel: Callable[[Sequence[str]], Rows], texts: Sequence[str], wholes: Rows
) -> list[list[Reason]]:
    """For each text the words without which it would feel most different.

    feel:   gives rows of affect (n, 4) of texts
    wholes: (texts, 4) that of the texts themselves

    Of long texts only the words are tried that feel least like the others when read alone.
    """
    words = [list(dict.fromkeys(text.split()[:READ])) for text in texts]
    words = [some if len(some) > 1 else [] for some in words]
    known = list(dict.fromkeys(word for some in words if len(some) > TRIED for word in some))
    alone = dict(zip(known, feel(known)[:, :2].astype(np.float64), strict=True)) if known else {}
    tried = [some if len(some) <= TRIED else _standing_out(some, alone) for some in words]
    pairs = [(at, word) for at, some in enumerate(tried) for word in some]
    if not pairs:
        return [[] for _ in texts]
    rows = feel([_without(texts[at], word) for at, word in pairs])
    found: list[list[Reason]] = [[] for _ in texts]
    for (at, word), row in zip(pairs, rows, strict=True):
        gap = wholes[at, :2] - row[:2]
        found[at].append(Reason(sense="text", what=word, effect=(float(gap[0]), float(gap[1]))))
    return [_best(some) for some in found]


def _without(text: str, word: str) -> str:
    return " ".join(one for one in text.split() if one != word)


def _standing_out(words: Sequence[str], alone: dict[str, Floats]) -> list[str]:
    points = np.stack([alone[word] for word in words])
    away = np.hypot(*(points - np.median(points, axis=0)).T)
    return [words[at] for at in np.argsort(-away, kind="stable")[:TRIED]]


def _moments_that_moved(sense: str, rows: Rows, starts: Floats, length: float) -> list[Reason]:
    """The moments (n,) whose leaving out would move the mean of rows (n, 4) most."""
    here = ~missing(rows)
    if here.sum() < 2:
        return []
    points, when = rows[here, :2].astype(np.float64), starts[here]
    effects = (points - points.mean(axis=0)) / (len(points) - 1)
    told = [
        Reason(sense=sense, start=float(at), end=float(at + length), effect=(float(one[0]), float(one[1])))
        for at, one in zip(when, effects, strict=True)
    ]
    return _best(told, LEAST_MOMENT)


def _face(read: Reading) -> list[Reason]:
    """The faces of a segment, if it has any: what they show most, and what the segment would be without."""
    row = read.looked.features.get("faces")
    if row is None or missing(row)[0]:
        return []
    whole = fuse_affect(read.senses, 1).fused[0]
    rest = fuse_affect({sense: rows for sense, rows in read.senses.items() if sense != "face"}, 1).fused[0]
    gap = whole[:2] if missing(rest[None])[0] else whole[:2] - rest[:2]
    shown = EMOTION_SCHEMES["fer"][int(row[0, : len(EMOTION_SCHEMES["fer"])].argmax())]
    start, end = read.looked.span
    return [Reason(sense="face", what=shown, start=start, end=end, effect=(float(gap[0]), float(gap[1])))]


def _best(found: Sequence[Reason], least: float = LEAST) -> list[Reason]:
    """The largest few of those that are large enough, largest first."""
    order = sorted(found, key=lambda one: -one.size)
    return [one for one in order[:MOST] if one.size >= least]


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

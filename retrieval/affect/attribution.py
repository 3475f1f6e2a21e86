"""What moved an estimate of affect most: frames, half seconds, faces and words, by leaving them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from retrieval.features import WINDOW_HOP_SECONDS, FeaturePipeline, SegmentFeatures, fuse_affect
from spaces.circumplex import EMOTION_SCHEMES

Floats = npt.NDArray[np.float64]

MAX_PER_MODALITY = 3  # told a sense at most ...
MIN_EFFECT = 0.02  # ... if they moved it so far on the plane ...
MIN_MOMENT_EFFECT = 0.002  # ... or so far, one of many moments
MAX_WORDS = 200  # words of a text; the network reads about as many
MAX_WORDS_TRIED = 6  # words of a text that are left out in turn


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """A part of what was felt, and how far valence and arousal would lie back without it.

    label:      a word, or the emotion that faces show most; empty for moments
    start, end: seconds, None where there is no time
    """

    modality: str
    effect: tuple[float, float]
    label: str = ""
    start: float | None = None
    end: float | None = None

    @property
    def magnitude(self) -> float:
        """How far on the plane."""
        return float(np.hypot(*self.effect))

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect feel --json`; without what does not apply."""
        told = {
            "sense": self.modality,
            "what": self.label,
            "start": _round_seconds(self.start),
            "end": _round_seconds(self.end),
        }
        return {
            **{name: value for name, value in told.items() if value not in (None, "")},
            "valence": round(self.effect[0], 4),
            "arousal": round(self.effect[1], 4),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentAffect:
    """Affect of one segment, moment by moment.

    by_modality: rows (1, 4) by sense, of the segment as a whole
    frame_affect: (f, 4) of each frame; None where nobody tells of pictures
    window_affect: (w, 4) of each half second; None without sound
    """

    segment: SegmentFeatures
    by_modality: Mapping[str, Rows]
    frame_affect: Rows | None
    window_affect: Rows | None


def estimate_segment_affect(
    pipeline: FeaturePipeline, segments: Sequence[SegmentFeatures], by_modality: Mapping[str, Rows]
) -> list[SegmentAffect]:
    """Every segment's frames and half seconds, read once; `by_modality` are those of the segments (n, 4)."""
    return [
        SegmentAffect(
            segment=one,
            by_modality={sense: rows[at : at + 1] for sense, rows in by_modality.items()},
            frame_affect=pipeline.estimate_affect_by_modality({"objects": one.frame_features}).get("image")
            if len(one.frame_times)
            else None,
            window_affect=pipeline.estimate_affect_by_modality(one.window_features).get("sound")
            if one.window_features and len(one.window_starts)
            else None,
        )
        for at, one in enumerate(segments)
    ]


def attribute_affect(segments: Sequence[SegmentAffect]) -> list[Attribution]:
    """The frames, half seconds and segments with faces that moved a file's affect most, by sense.

    A frame's or half second's effect is on the mean of its sense, a face's on its segment as a whole.
    """
    told: list[Attribution] = []
    if shown := [
        (one.segment.frame_times, one.frame_affect) for one in segments if one.frame_affect is not None
    ]:
        times, frames = (np.concatenate(part) for part in zip(*shown, strict=True))
        told += _attribute_moments("image", frames, times, 0.0)
    if heard := [
        (one.segment.window_starts, one.window_affect) for one in segments if one.window_affect is not None
    ]:
        starts, moments = (np.concatenate(part) for part in zip(*heard, strict=True))
        told += _attribute_moments("sound", moments, starts, WINDOW_HOP_SECONDS)
    return told + _select_largest([reason for one in segments for reason in _attribute_faces(one)])


def attribute_words(
    predict_affect: Callable[[Sequence[str]], Rows], texts: Sequence[str], text_affect: Rows
) -> list[list[Attribution]]:
    """For each text the words without which it would feel most different.

    predict_affect: gives rows of affect (n, 4) of texts
    text_affect: (texts, 4) that of the texts themselves

    Of long texts only the words are tried that feel least like the others when read alone.
    """
    words = [list(dict.fromkeys(text.split()[:MAX_WORDS])) for text in texts]
    words = [some if len(some) > 1 else [] for some in words]
    known = list(dict.fromkeys(word for some in words if len(some) > MAX_WORDS_TRIED for word in some))
    alone = dict(zip(known, predict_affect(known)[:, :2].astype(np.float64), strict=True)) if known else {}
    tried = [some if len(some) <= MAX_WORDS_TRIED else _select_outlying_words(some, alone) for some in words]
    pairs = [(at, word) for at, some in enumerate(tried) for word in some]
    if not pairs:
        return [[] for _ in texts]
    rows = predict_affect([_remove_word(texts[at], word) for at, word in pairs])
    found: list[list[Attribution]] = [[] for _ in texts]
    for (at, word), row in zip(pairs, rows, strict=True):
        gap = text_affect[at, :2] - row[:2]
        found[at].append(Attribution(modality="text", label=word, effect=(float(gap[0]), float(gap[1]))))
    return [_select_largest(some) for some in found]


def _remove_word(text: str, word: str) -> str:
    return " ".join(one for one in text.split() if one != word)


def _select_outlying_words(words: Sequence[str], affect_by_word: dict[str, Floats]) -> list[str]:
    points = np.stack([affect_by_word[word] for word in words])
    away = np.hypot(*(points - np.median(points, axis=0)).T)
    return [words[at] for at in np.argsort(-away, kind="stable")[:MAX_WORDS_TRIED]]


def _attribute_moments(
    modality: str, affect: Rows, starts: Floats, duration_seconds: float
) -> list[Attribution]:
    """The moments (n,) whose leaving out would move the mean of rows (n, 4) most."""
    here = ~is_missing_row(affect)
    if here.sum() < 2:
        return []
    points, when = affect[here, :2].astype(np.float64), starts[here]
    effects = (points - points.mean(axis=0)) / (len(points) - 1)
    told = [
        Attribution(
            modality=modality,
            start=float(at),
            end=float(at + duration_seconds),
            effect=(float(one[0]), float(one[1])),
        )
        for at, one in zip(when, effects, strict=True)
    ]
    return _select_largest(told, MIN_MOMENT_EFFECT)


def _attribute_faces(segment_affect: SegmentAffect) -> list[Attribution]:
    """The faces of a segment, if it has any: what they show most, and what the segment would be without."""
    row = segment_affect.segment.features.get("faces")
    if row is None or is_missing_row(row)[0]:
        return []
    whole = fuse_affect(segment_affect.by_modality, 1).fused[0]
    rest = fuse_affect(
        {sense: rows for sense, rows in segment_affect.by_modality.items() if sense != "face"}, 1
    ).fused[0]
    gap = whole[:2] if is_missing_row(rest[None])[0] else whole[:2] - rest[:2]
    shown = EMOTION_SCHEMES["fer"][int(row[0, : len(EMOTION_SCHEMES["fer"])].argmax())]
    start, end = segment_affect.segment.span
    return [
        Attribution(modality="face", label=shown, start=start, end=end, effect=(float(gap[0]), float(gap[1])))
    ]


def _select_largest(attributions: Sequence[Attribution], min_effect: float = MIN_EFFECT) -> list[Attribution]:
    """The largest few of those that are large enough, largest first."""
    order = sorted(attributions, key=lambda one: -one.magnitude)
    return [one for one in order[:MAX_PER_MODALITY] if one.magnitude >= min_effect]


def _round_seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

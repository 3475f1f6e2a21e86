"""Attribution of affect by occlusion: the frames, windows of sound, faces and words that changed it most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import MIN_CLASS_SCORE, EventClassifier, FaceRows, Rows, is_missing_row
from retrieval.features import (
    EVENTS_ROLE,
    WINDOW_HOP_SECONDS,
    FeaturePipeline,
    SegmentFeatures,
    fuse_affect,
)
from spaces.circumplex import EMOTION_SCHEMES

Floats = npt.NDArray[np.float64]

MAX_PER_MODALITY = 3  # attributions reported of a modality, at most ...
MIN_EFFECT = 0.02  # ... with an effect of at least this distance on the plane ...
MIN_MOMENT_EFFECT = 0.002  # ... or this one, of a frame or window among many
MAX_WORDS = 200  # words of a text that are considered; the network reads about as many
MAX_OCCLUDED_WORDS = 6  # words of a text that are left out in turn


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """A part of the input, and its effect: the affect with it less the affect without it.

    effect:     of (valence, arousal)
    label:      a word, the most probable expression of faces, or the sound event of a window, empty where
                none is likely and for frames
    start, end: seconds, None without time
    """

    modality: str
    effect: tuple[float, float]
    label: str = ""
    start: float | None = None
    end: float | None = None

    @property
    def magnitude(self) -> float:
        """Length of the effect on the plane."""
        return float(np.hypot(*self.effect))

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect feel --json`, without keys that do not apply."""
        record = {
            "sense": self.modality,
            "what": self.label,
            "start": _round_seconds(self.start),
            "end": _round_seconds(self.end),
        }
        return {
            **{name: value for name, value in record.items() if value not in (None, "")},
            "valence": round(self.effect[0], 4),
            "arousal": round(self.effect[1], 4),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentAffect:
    """Affect of one segment over time.

    by_modality:   affect rows (1, 4) by modality, of the segment as a whole
    frame_affect:  (f, 4) of each frame; None without an image regressor
    window_affect: (w, 4) of each window of sound; None without sound
    window_events: (w) names of its sound events, empty where none is likely
    """

    segment: SegmentFeatures
    by_modality: Mapping[str, Rows]
    frame_affect: Rows | None
    window_affect: Rows | None
    window_events: Sequence[str]


def estimate_segment_affect(
    pipeline: FeaturePipeline, segments: Sequence[SegmentFeatures], by_modality: Mapping[str, Rows]
) -> list[SegmentAffect]:
    """Affect of every segment's frames and windows; `by_modality` holds that of the segments (n, 4)."""
    return [
        SegmentAffect(
            segment=segment,
            by_modality={modality: rows[i : i + 1] for modality, rows in by_modality.items()},
            frame_affect=_estimate_frame_affect(pipeline, segment),
            window_affect=_estimate_window_affect(pipeline, segment),
            window_events=_name_window_events(pipeline, segment),
        )
        for i, segment in enumerate(segments)
    ]


def _estimate_frame_affect(pipeline: FeaturePipeline, segment: SegmentFeatures) -> Rows | None:
    if not len(segment.frame_times):
        return None
    return pipeline.estimate_affect_by_modality({"objects": segment.frame_features}).get("image")


def _estimate_window_affect(pipeline: FeaturePipeline, segment: SegmentFeatures) -> Rows | None:
    if not (segment.window_features and len(segment.window_starts)):
        return None
    return pipeline.estimate_affect_by_modality(segment.window_features).get("sound")


def _name_window_events(pipeline: FeaturePipeline, segment: SegmentFeatures) -> Sequence[str]:
    """Of each window the class of sound with the highest score; empty where that is low."""
    scores = segment.window_features.get(EVENTS_ROLE)
    encoder = pipeline.get_encoder(EVENTS_ROLE) if scores is not None else None
    if scores is None or not isinstance(encoder, EventClassifier):
        return [""] * len(segment.window_starts)
    return [encoder.classes[row.argmax()] if row.max() >= MIN_CLASS_SCORE else "" for row in scores]


def attribute_affect(segments: Sequence[SegmentAffect]) -> list[Attribution]:
    """The frames, windows of sound and segments with faces that changed a file's affect most, by modality.

    The effect of a frame or a window is that on the mean of its modality, of faces that on their segment.
    """
    attributions: list[Attribution] = []
    frames = [(s.segment.frame_times, s.frame_affect) for s in segments if s.frame_affect is not None]
    if frames:
        times, affect = (np.concatenate(part) for part in zip(*frames, strict=True))
        attributions += _attribute_moments("image", affect, times, 0.0, [""] * len(times))
    windows = [(s.segment.window_starts, s.window_affect) for s in segments if s.window_affect is not None]
    if windows:
        starts, affect = (np.concatenate(part) for part in zip(*windows, strict=True))
        events = [name for s in segments if s.window_affect is not None for name in s.window_events]
        attributions += _attribute_moments("sound", affect, starts, WINDOW_HOP_SECONDS, events)
    faces = [attribution for segment in segments for attribution in _attribute_faces(segment)]
    return attributions + _select_largest(faces)


def attribute_words(
    predict_affect: Callable[[Sequence[str]], Rows], texts: Sequence[str], text_affect: Rows
) -> list[list[Attribution]]:
    """For each text the words whose removal changes its affect most.

    predict_affect: gives affect rows (n, 4) of texts
    text_affect:    affect rows (texts, 4) of the texts themselves

    Of a long text only the words whose own affect lies farthest from the median of all its words are removed.
    """
    words_by_text = [list(dict.fromkeys(text.split()[:MAX_WORDS])) for text in texts]
    words_by_text = [words if len(words) > 1 else [] for words in words_by_text]
    words_by_text = _select_outlying_words(predict_affect, words_by_text)
    removals = [(i, word) for i, words in enumerate(words_by_text) for word in words]
    attributions: list[list[Attribution]] = [[] for _ in texts]
    if not removals:
        return attributions
    rows = predict_affect([_remove_word(texts[i], word) for i, word in removals])
    for (i, word), row in zip(removals, rows, strict=True):
        effect = text_affect[i, :2] - row[:2]
        attributions[i].append(
            Attribution(modality="text", label=word, effect=(float(effect[0]), float(effect[1])))
        )
    return [_select_largest(some) for some in attributions]


def _remove_word(text: str, word: str) -> str:
    return " ".join(other for other in text.split() if other != word)


def _select_outlying_words(
    predict_affect: Callable[[Sequence[str]], Rows], words_by_text: Sequence[list[str]]
) -> list[list[str]]:
    """Of each text's words at most MAX_OCCLUDED_WORDS, those farthest from the median of their affect."""
    long_texts = [words for words in words_by_text if len(words) > MAX_OCCLUDED_WORDS]
    unique = list(dict.fromkeys(word for words in long_texts for word in words))
    if not unique:
        return list(words_by_text)
    affect_by_word = dict(zip(unique, predict_affect(unique)[:, :2].astype(np.float64), strict=True))
    return [
        words if len(words) <= MAX_OCCLUDED_WORDS else _sort_by_distance(words, affect_by_word)
        for words in words_by_text
    ]


def _sort_by_distance(words: Sequence[str], affect_by_word: Mapping[str, Floats]) -> list[str]:
    points = np.stack([affect_by_word[word] for word in words])
    distances = np.hypot(*(points - np.median(points, axis=0)).T)
    return [words[i] for i in np.argsort(-distances, kind="stable")[:MAX_OCCLUDED_WORDS]]


def _attribute_moments(
    modality: str, affect: Rows, starts: Floats, duration_seconds: float, labels: Sequence[str]
) -> list[Attribution]:
    """The frames or windows (n,) whose removal changes the mean of their affect rows (n, 4) most."""
    present = ~is_missing_row(affect)
    if present.sum() < 2:
        return []
    points, times = affect[present, :2].astype(np.float64), starts[present]
    present_labels = [label for label, is_present in zip(labels, present, strict=True) if is_present]
    effects = (points - points.mean(axis=0)) / (len(points) - 1)
    attributions = [
        Attribution(
            modality=modality,
            label=label,
            start=float(time),
            end=float(time + duration_seconds),
            effect=(float(effect[0]), float(effect[1])),
        )
        for time, effect, label in zip(times, effects, present_labels, strict=True)
    ]
    return _select_largest(attributions, MIN_MOMENT_EFFECT)


def _attribute_faces(segment_affect: SegmentAffect) -> list[Attribution]:
    """The faces of a segment, if it has any, by their most probable expression."""
    rows = segment_affect.segment.features.get("faces")
    if rows is None or is_missing_row(rows)[0]:
        return []
    others = {name: one for name, one in segment_affect.by_modality.items() if name != "face"}
    whole, rest = fuse_affect(segment_affect.by_modality, 1).fused[0], fuse_affect(others, 1).fused[0]
    effect = whole[:2] if is_missing_row(rest[None])[0] else whole[:2] - rest[:2]
    expression = EMOTION_SCHEMES["fer"][int(FaceRows(rows).emotions[0].argmax())]
    start, end = segment_affect.segment.span
    return [
        Attribution(
            modality="face", label=expression, start=start, end=end,
            effect=(float(effect[0]), float(effect[1])),
        )
    ]  # fmt: skip


def _select_largest(attributions: Sequence[Attribution], min_effect: float = MIN_EFFECT) -> list[Attribution]:
    """The largest MAX_PER_MODALITY of at least `min_effect`, largest first."""
    ordered = sorted(attributions, key=lambda attribution: -attribution.magnitude)
    return [one for one in ordered[:MAX_PER_MODALITY] if one.magnitude >= min_effect]


def _round_seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

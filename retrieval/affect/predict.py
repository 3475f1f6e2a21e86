"""How files and texts feel: a record each, with its senses, its course over time and what moved it most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import MediaError, Rows, is_missing_row
from encoders.faces.tracks import track_faces
from encoders.lexicon import compute_nrc_columns, normalise_text, score_sentiment
from retrieval.affect.attribution import (
    Attribution,
    SegmentAffect,
    attribute_affect,
    attribute_words,
    estimate_segment_affect,
)
from retrieval.features.affect import AffectEstimate, affect_to_json, compute_duration_weights, fuse_affect
from retrieval.features.extraction import WINDOW_HOP_SECONDS, FileFeatures, SegmentFeatures, extract_features
from retrieval.features.pipeline import FeaturePipeline
from spaces.affect_regression import AFFECT_MODALITIES, AUDIO_KINDS, average_estimates
from spaces.circumplex import DIMENSIONS, EMOTION_SCHEMES, compute_emotion_posterior

Floats = npt.NDArray[np.float64]
AffectRecord = dict[str, Any]

MIN_SPEECH_PROBABILITY = 0.05  # probability of speech from which its emotion is told
TEXT_BATCH_SIZE = 256  # texts read at a time; the more, the more often a word was read before
RECORD_KEYS = (
    "modality", "affect", "experts", "emotions", "speech_emotion", "face_emotion", "face_coverage",
    "trajectory", "why",
)  # fmt: skip
PLUTCHIK_EMOTIONS = EMOTION_SCHEMES["plutchik"]


def predict_file_affect(
    pipeline: FeaturePipeline, paths: Sequence[Path], jobs: int, segment_seconds: float = 15.0
) -> Iterator[AffectRecord | MediaError]:
    """A record of each file, in the order given; MediaError for one that can't be read."""
    for found in extract_features(pipeline, paths, jobs, segment_seconds):
        yield found if isinstance(found, MediaError) else make_file_record(pipeline, found)


def predict_text_affect(pipeline: FeaturePipeline, texts: Sequence[str]) -> Iterator[AffectRecord]:
    """A record of each text, in order; empty ones abstain."""
    for start in range(0, len(texts), TEXT_BATCH_SIZE):
        chunk = texts[start : start + TEXT_BATCH_SIZE]
        rows = pipeline.estimate_text_affect(chunk)
        found = AffectEstimate(by_modality={"text": rows}, fused=rows)
        why = attribute_words(pipeline.estimate_text_affect, chunk, found.fused)
        for at, text in enumerate(chunk):
            yield make_text_record(text, found, at, why[at])


def make_file_record(pipeline: FeaturePipeline, file_features: FileFeatures) -> AffectRecord:
    """What is told of one file."""
    looked = file_features.segments
    features = {role: np.concatenate([one.features[role] for one in looked]) for role in looked[0].features}
    weights = compute_duration_weights(np.array([one.span for one in looked], np.float64))
    by_segment = pipeline.estimate_affect(features)
    senses = {sense: average_estimates(rows, weights)[None] for sense, rows in by_segment.by_modality.items()}
    whole = AffectEstimate(by_modality=senses, fused=average_estimates(by_segment.fused, weights)[None])
    faces, read = features.get("faces"), estimate_segment_affect(pipeline, looked, by_segment.by_modality)
    return {
        "path": str(file_features.path),
        "modality": file_features.modality,
        "affect": affect_to_json(whole.fused[0]),
        "experts": _modalities_to_json(whole, _predict_extras(pipeline, looked, features, weights)),
        "emotions": _compute_emotions(whole.fused),
        "speech_emotion": _predict_speech_emotion(pipeline, features, weights),
        "face_emotion": None if faces is None else _average_face_emotion(faces, weights),
        "face_coverage": _compute_face_coverage(file_features, faces, weights),
        "trajectory": [step for one in read for step in compute_trajectory(one)],
        "why": [reason.to_json() for reason in attribute_affect(read)],
    }


def make_error_record(path: Path, reason: str) -> AffectRecord:
    """What is told of a file that can't be read: everything a record has, abstained, and why."""
    nothing: AffectRecord = dict.fromkeys(RECORD_KEYS)
    return {
        "path": str(path), "error": reason, **nothing, "experts": dict.fromkeys(AFFECT_MODALITIES),
        "emotions": dict.fromkeys(PLUTCHIK_EMOTIONS), "trajectory": [], "why": [],
    }  # fmt: skip


def make_text_record(
    text: str, estimate: AffectEstimate, index: int, attributions: Sequence[Attribution]
) -> AffectRecord:
    """What is told of one text, whose row is `index` in `estimate`."""
    senses = AffectEstimate(
        by_modality={s: rows[index : index + 1] for s, rows in estimate.by_modality.items()},
        fused=estimate.fused[index : index + 1],
    )
    here = not is_missing_row(senses.fused)[0]
    plain = normalise_text(text)
    extras = (
        {"text": {"vader": score_sentiment(plain).compound, "lexicon": compute_nrc_columns(plain)}}
        if here
        else {}
    )
    return {
        "text": text,
        "modality": "text",
        "affect": affect_to_json(senses.fused[0]),
        "experts": _modalities_to_json(senses, extras),
        "emotions": _compute_emotions(senses.fused, compute_nrc_columns(plain.lower())),
        "speech_emotion": None,
        "face_emotion": None,
        "face_coverage": None,
        "trajectory": [],
        "why": [reason.to_json() for reason in attributions],
    }


def compute_trajectory(segment_affect: SegmentAffect) -> list[dict[str, float]]:
    """Steps of a segment's way over the plane: every half second, or each frame of a silent film.

    At each step the senses are joined as in the whole: the sound about it, the frame that is shown, and the
    faces of the segment. A picture goes no way.
    """
    looked, (start, end) = segment_affect.segment, segment_affect.segment.span
    if start is None or end is None:
        return []
    begins, ends = _make_trajectory_steps(looked, start, end)
    steps: dict[str, Rows] = {}
    if segment_affect.window_affect is not None:
        beyond = len(begins) - len(segment_affect.window_affect)
        steps["sound"] = np.pad(segment_affect.window_affect, ((0, beyond), (0, 0)), constant_values=np.nan)
    if segment_affect.frame_affect is not None:
        middles = (begins + ends) / 2
        steps["image"] = segment_affect.frame_affect[
            np.abs(looked.frame_times[:, None] - middles).argmin(axis=0)
        ]
    if "face" in segment_affect.by_modality:
        steps["face"] = np.repeat(segment_affect.by_modality["face"], len(begins), axis=0)
    rows = fuse_affect(steps, len(begins)).fused
    return [
        {
            "start": _round(begins[i]),
            "end": _round(ends[i]),
            "valence": _round(row[0]),
            "arousal": _round(row[1]),
        }
        for i, row in enumerate(rows)
        if not is_missing_row(row[None])[0]
    ]


def _make_trajectory_steps(segment: SegmentFeatures, start: float, end: float) -> tuple[Floats, Floats]:
    """(n,) where the steps of a segment begin and end."""
    if len(segment.window_starts) or not len(segment.frame_times):
        count = max(math.ceil((end - start) / WINDOW_HOP_SECONDS - 1e-6), len(segment.window_starts), 1)
        begins = start + WINDOW_HOP_SECONDS * np.arange(count)
    else:
        begins = segment.frame_times - segment.frame_times[0] + start
    return np.asarray(begins, np.float64), np.append(begins[1:], max(end, begins[-1]))


def _modalities_to_json(estimate: AffectEstimate, extras: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every sense's row with its share in the whole; None where it abstains."""
    shares = estimate.weights
    experts: dict[str, Any] = {}
    for sense in AFFECT_MODALITIES:
        row = affect_to_json(estimate.by_modality[sense][0]) if sense in estimate.by_modality else None
        if row is not None:
            weight = [_round(one) for one in shares[sense][0]]
            share = dict(zip(DIMENSIONS, weight, strict=True))
            experts[sense] = {**row, "share": share, **extras.get(sense, {})}
        else:
            experts[sense] = None
    return experts


def _predict_extras(
    pipeline: FeaturePipeline,
    segments: Sequence[SegmentFeatures],
    features: Mapping[str, Rows],
    weights: Floats,
) -> dict[str, dict[str, Any]]:
    """What else a sense can tell: how far people would disagree, what kind of sound it is, who is seen."""
    extras: dict[str, dict[str, Any]] = {}
    if (
        apart := pipeline.affect_model.predict_rater_sd(pipeline.with_labels(features))
    ) is not None and not is_missing_row(apart).all():
        mean = _compute_mean(apart, weights)
        extras["image"] = {"rater_sd": {"valence": _round(mean[0]), "arousal": _round(mean[1])}}
    if (kinds := pipeline.affect_model.predict_audio_kind(features)) is not None and not is_missing_row(
        kinds
    ).all():
        mean = _compute_mean(kinds, weights)
        extras["sound"] = {"kind": dict(zip(AUDIO_KINDS, map(_round, mean), strict=True))}
    faces = features.get("faces")
    if faces is not None and not is_missing_row(faces).all():
        extras["face"] = {
            "people": int(np.nanmax(faces[:, 8])),
            "confidence": _round(_compute_mean(faces[:, 9:10], weights)[0]),
            "tracks": [track for one in segments for track in _list_face_tracks(one)],
        }
    return extras


def _list_face_tracks(segment: SegmentFeatures) -> list[AffectRecord]:
    """The faces of a segment followed over time: when each is seen, and what it shows."""
    if len(segment.frame_times) != len(segment.frame_features) or not segment.faces:
        return []
    return [
        {
            "start": _round(one.start_time), "end": _round(one.end_time), "frames": one.frame_count,
            "confidence": _round(one.confidence),
            "emotion": _normalise_by_name(EMOTION_SCHEMES["fer"], one.emotions),
        }
        for one in track_faces(segment.faces, segment.frame_times.tolist())
    ]  # fmt: skip


def _predict_speech_emotion(
    pipeline: FeaturePipeline, features: Mapping[str, Rows], weights: Floats
) -> dict[str, float] | None:
    shares, kinds = (
        pipeline.affect_model.predict_speech_emotion(features),
        pipeline.affect_model.predict_audio_kind(features),
    )
    if shares is None or kinds is None or is_missing_row(shares).all():
        return None
    if _compute_mean(kinds, weights)[0] < MIN_SPEECH_PROBABILITY:
        return None
    return _normalise_by_name(
        EMOTION_SCHEMES["ravdess"], _compute_mean(shares, weights * np.nan_to_num(kinds[:, 0]))
    )


def _average_face_emotion(faces: Rows, weights: Floats) -> dict[str, float] | None:
    if is_missing_row(faces).all():
        return None
    return _normalise_by_name(
        EMOTION_SCHEMES["fer"],
        _compute_mean(faces[:, :7], weights * np.nan_to_num(faces[:, 7] * faces[:, 9])),
    )


def _compute_face_coverage(file_features: FileFeatures, faces: Rows | None, weights: Floats) -> float | None:
    """The share of frames with a face; None where nothing is to be seen."""
    if faces is None or file_features.modality == "audio":
        return None
    return _round(np.average(np.nan_to_num(faces[:, 7]), weights=weights))


def _compute_emotions(
    affect: Rows, emotion_counts: Mapping[str, float] | None = None
) -> dict[str, float | None]:
    """Plutchik's emotions at a point; with the words of a text that name them, where there are any.

    Both are taken as independent evidence: "not happy" names joy, and lies where joy is unlikely.
    """
    if is_missing_row(affect)[0]:
        return dict.fromkeys(PLUTCHIK_EMOTIONS)
    chances = compute_emotion_posterior(affect)[0]
    if emotion_counts is not None:
        named = np.array([emotion_counts[name] for name in PLUTCHIK_EMOTIONS], np.float64)
        chances = chances * (named + 0.5) / (named.sum() + 0.5 * len(named))
    return dict(_normalise_by_name(PLUTCHIK_EMOTIONS, chances))


def _normalise_by_name(names: Sequence[str], values: npt.ArrayLike) -> dict[str, float]:
    given = np.asarray(values, np.float64)
    return {name: _round(one) for name, one in zip(names, given / given.sum(), strict=True)}


def _compute_mean(rows: Rows, weights: Floats) -> Floats:
    """(d,) weighted mean of the rows (n, d) that are there."""
    here = ~is_missing_row(rows)
    told_by = weights[here] if weights[here].sum() > 0 else np.ones(here.sum())
    return np.asarray(np.average(rows[here].astype(np.float64), axis=0, weights=told_by))


def _round(value: Any) -> float:
    return round(float(value), 4)

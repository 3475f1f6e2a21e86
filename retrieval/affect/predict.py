"""The affect of files and texts: a record each, by modality, over time, with what contributed most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import (
    FaceRows,
    MediaError,
    Rows,
    compute_nrc_columns,
    is_missing_row,
    normalise_text,
    score_sentiment,
)
from encoders.media import DEFAULT_SEGMENT_SECONDS
from retrieval.affect.attribution import (
    Attribution,
    attribute_affect,
    attribute_words,
    estimate_segment_affect,
)
from retrieval.affect.modality_details import (
    average_face_emotion,
    compute_face_coverage,
    describe_modalities,
    normalise_by_name,
    predict_speech_emotion,
    round_value,
)
from retrieval.affect.trajectory import compute_trajectory
from retrieval.features import (
    AffectEstimate,
    FeaturePipeline,
    FileFeatures,
    affect_to_json,
    compute_duration_weights,
    concatenate_features,
    extract_features,
    strip_media_prompt,
)
from spaces.affect_regression import AFFECT_MODALITIES, average_estimates
from spaces.circumplex import DIMENSIONS, EMOTION_SCHEMES, compute_emotion_posterior

Floats = npt.NDArray[np.float64]
AffectRecord = dict[str, Any]

TEXT_BATCH_SIZE = 256  # texts encoded at a time; in a larger batch more words are encoded already
RECORD_KEYS = (
    "modality", "affect", "experts", "emotions", "speech_emotion", "face_emotion", "face_coverage",
    "trajectory", "why",
)  # fmt: skip
PLUTCHIK_EMOTIONS = EMOTION_SCHEMES["plutchik"]


def predict_file_affect(
    pipeline: FeaturePipeline,
    paths: Sequence[Path],
    jobs: int,
    segment_seconds: float = DEFAULT_SEGMENT_SECONDS,
) -> Iterator[AffectRecord | MediaError]:
    """A record of each file, in the order given; MediaError for one that can't be read."""
    for result in extract_features(pipeline, paths, jobs, segment_seconds):
        yield result if isinstance(result, MediaError) else make_file_record(pipeline, result)


def predict_text_affect(pipeline: FeaturePipeline, texts: Sequence[str]) -> Iterator[AffectRecord]:
    """A record of each text, in order; empty ones abstain."""
    for start in range(0, len(texts), TEXT_BATCH_SIZE):
        chunk = texts[start : start + TEXT_BATCH_SIZE]
        rows = pipeline.estimate_text_affect(chunk)
        estimate = AffectEstimate(by_modality={"text": rows}, fused=rows)
        contents = [strip_media_prompt(text) for text in chunk]  # words of the prompt have no effect
        attributions = attribute_words(pipeline.estimate_text_affect, contents, estimate.fused)
        for i, text in enumerate(chunk):
            yield make_text_record(text, estimate, i, attributions[i])


def make_file_record(pipeline: FeaturePipeline, file_features: FileFeatures) -> AffectRecord:
    """The record of one file."""
    segments = file_features.segments
    features = concatenate_features([segment.features for segment in segments])
    weights = compute_duration_weights(np.array([segment.span for segment in segments], np.float64))
    by_segment = pipeline.estimate_affect(features)
    by_modality = {
        modality: average_estimates(rows, weights)[None] for modality, rows in by_segment.by_modality.items()
    }
    whole = AffectEstimate(by_modality=by_modality, fused=average_estimates(by_segment.fused, weights)[None])
    details = describe_modalities(pipeline, segments, features, weights)
    segment_affect = estimate_segment_affect(pipeline, segments, by_segment.by_modality)
    faces = FaceRows(features["faces"]) if "faces" in features else None
    has_frames = file_features.modality != "audio"
    return {
        "path": str(file_features.path),
        "modality": file_features.modality,
        "affect": affect_to_json(whole.fused[0]),
        "experts": _modalities_to_json(whole, details),
        "emotions": _compute_emotions(whole.fused),
        "speech_emotion": predict_speech_emotion(pipeline, features, weights),
        "face_emotion": average_face_emotion(faces, weights) if faces else None,
        "face_coverage": compute_face_coverage(faces, weights) if faces and has_frames else None,
        "trajectory": [step for one in segment_affect for step in compute_trajectory(one)],
        "why": [attribution.to_json() for attribution in attribute_affect(segment_affect)],
    }


def make_error_record(path: Path, reason: str) -> AffectRecord:
    """The record of a file that can't be read: the reason, and every other key without a value."""
    empty: AffectRecord = dict.fromkeys(RECORD_KEYS)
    return {
        "path": str(path), "error": reason, **empty, "experts": dict.fromkeys(AFFECT_MODALITIES),
        "emotions": dict.fromkeys(PLUTCHIK_EMOTIONS), "trajectory": [], "why": [],
    }  # fmt: skip


def make_text_record(
    text: str, estimate: AffectEstimate, index: int, attributions: Sequence[Attribution]
) -> AffectRecord:
    """The record of one text, whose row is `index` in `estimate`."""
    own = AffectEstimate(
        by_modality={name: rows[index : index + 1] for name, rows in estimate.by_modality.items()},
        fused=estimate.fused[index : index + 1],
    )
    plain = normalise_text(text)
    lexicons = {"vader": score_sentiment(plain).compound, "lexicon": compute_nrc_columns(plain)}
    details = {} if is_missing_row(own.fused)[0] else {"text": lexicons}
    return {
        "text": text,
        "modality": "text",
        "affect": affect_to_json(own.fused[0]),
        "experts": _modalities_to_json(own, details),
        "emotions": _compute_emotions(own.fused, compute_nrc_columns(plain.lower())),
        "speech_emotion": None,
        "face_emotion": None,
        "face_coverage": None,
        "trajectory": [],
        "why": [attribution.to_json() for attribution in attributions],
    }


def _modalities_to_json(estimate: AffectEstimate, details: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every modality's affect with its share in the whole, and its details; None where it abstains."""
    weights = estimate.weights
    by_modality: dict[str, Any] = {}
    for modality in AFFECT_MODALITIES:
        rows = estimate.by_modality.get(modality)
        affect = None if rows is None else affect_to_json(rows[0])
        if affect is None:
            by_modality[modality] = None
            continue
        share = dict(zip(DIMENSIONS, map(round_value, weights[modality][0]), strict=True))
        by_modality[modality] = {**affect, "share": share, **details.get(modality, {})}
    return by_modality


def _compute_emotions(
    affect: Rows, emotion_counts: Mapping[str, float] | None = None
) -> dict[str, float | None]:
    """Plutchik's emotions at a point; with the words of a text that name them, where there are any.

    Both are taken as independent evidence: "not happy" names joy, and lies where joy is unlikely.
    """
    if is_missing_row(affect)[0]:
        return dict.fromkeys(PLUTCHIK_EMOTIONS)
    probabilities = compute_emotion_posterior(affect)[0]
    if emotion_counts is not None:
        named = np.array([emotion_counts[name] for name in PLUTCHIK_EMOTIONS], np.float64)
        probabilities = probabilities * (named + 0.5) / (named.sum() + 0.5 * len(named))
    return dict(normalise_by_name(PLUTCHIK_EMOTIONS, probabilities))

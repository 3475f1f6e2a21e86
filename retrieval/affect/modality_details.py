"""What each modality gives beside affect: agreement of raters, kind of sound, faces, emotions of speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import FaceRows, Rows, is_missing_row
from encoders.faces import track_faces
from retrieval.features import FeaturePipeline, SegmentFeatures
from spaces.affect_regression import AUDIO_KINDS
from spaces.circumplex import DIMENSIONS, EMOTION_SCHEMES

Floats = npt.NDArray[np.float64]

MIN_SPEECH_PROBABILITY = 0.05  # probability of speech from which its emotion is reported
SPEECH_INDEX = AUDIO_KINDS.index("speech")


def describe_modalities(
    pipeline: FeaturePipeline,
    segments: Sequence[SegmentFeatures],
    features: Mapping[str, Rows],
    weights: Floats,
) -> dict[str, dict[str, Any]]:
    """By modality, of the segments of a file, weighted by `weights` (n,): what it gives beside affect.

    image: the standard deviation of raters; sound: probabilities of its kinds, and the sound events that its
    affect comes from where it is neither speech nor music; face: how many people, with
    which confidence, and their tracks over time. A modality without any of it is left out.
    """
    details: dict[str, dict[str, Any]] = {}
    rater_sd = pipeline.affect_model.predict_rater_sd(pipeline.with_labels(features))
    if rater_sd is not None and not is_missing_row(rater_sd).all():
        mean = compute_weighted_mean(rater_sd, weights)
        details["image"] = {"rater_sd": dict(zip(DIMENSIONS, map(round_value, mean), strict=True))}
    kinds = pipeline.affect_model.predict_audio_kind(features)
    if kinds is not None and not is_missing_row(kinds).all():
        mean = compute_weighted_mean(kinds, weights)
        details["sound"] = {
            "kind": dict(zip(AUDIO_KINDS, map(round_value, mean), strict=True)),
            "events": _list_affect_events(pipeline, features, weights),
        }
    if "faces" in features and not is_missing_row(features["faces"]).all():
        faces = FaceRows(features["faces"])
        details["face"] = {
            "people": int(np.nanmax(faces.get("people"))),
            "confidence": round_value(compute_weighted_mean(faces.get("confidence")[:, None], weights)[0]),
            "tracks": [track for segment in segments for track in _list_face_tracks(segment)],
        }
    return details


def _list_affect_events(
    pipeline: FeaturePipeline, features: Mapping[str, Rows], weights: Floats
) -> list[dict[str, Any]]:
    """The sound events with the largest share in the affect of a file's sound; empty where they have none."""
    model = pipeline.affect_model
    shares = model.weigh_sound_events(features)
    if shares is None or model.event_affect is None or is_missing_row(shares).all():
        return []
    return model.event_affect.list_largest(compute_weighted_mean(shares, weights))


def _list_face_tracks(segment: SegmentFeatures) -> list[dict[str, Any]]:
    """The faces of a segment followed over time: when each is seen, and its expression."""
    if len(segment.frame_times) != len(segment.frame_features) or not segment.faces:
        return []
    return [
        {
            "start": round_value(track.start_time), "end": round_value(track.end_time),
            "frames": track.frame_count, "confidence": round_value(track.confidence),
            "emotion": normalise_by_name(EMOTION_SCHEMES["fer"], track.emotions),
        }
        for track in track_faces(segment.faces, segment.frame_times.tolist())
    ]  # fmt: skip


def predict_speech_emotion(
    pipeline: FeaturePipeline, features: Mapping[str, Rows], weights: Floats
) -> dict[str, float] | None:
    """Probabilities of RAVDESS' emotions of a file's speech; None where there is hardly any speech."""
    emotions = pipeline.affect_model.predict_speech_emotion(features)
    kinds = pipeline.affect_model.predict_audio_kind(features)
    if emotions is None or kinds is None or is_missing_row(emotions).all():
        return None
    if compute_weighted_mean(kinds, weights)[SPEECH_INDEX] < MIN_SPEECH_PROBABILITY:
        return None
    speech_weights = weights * np.nan_to_num(kinds[:, SPEECH_INDEX])
    return normalise_by_name(EMOTION_SCHEMES["ravdess"], compute_weighted_mean(emotions, speech_weights))


def average_face_emotion(faces: FaceRows, weights: Floats) -> dict[str, float] | None:
    """Mean expression of a file's faces, by coverage and confidence; None without a face."""
    if is_missing_row(faces.rows).all():
        return None
    face_weights = weights * np.nan_to_num(faces.get("coverage") * faces.get("confidence"))
    return normalise_by_name(EMOTION_SCHEMES["fer"], compute_weighted_mean(faces.emotions, face_weights))


def compute_face_coverage(faces: FaceRows, weights: Floats) -> float:
    """The share of a file's frames with a face."""
    return round_value(np.average(np.nan_to_num(faces.get("coverage")), weights=weights))


def normalise_by_name(names: Sequence[str], values: npt.ArrayLike) -> dict[str, float]:
    """Values (n,) by name, divided by their sum."""
    given = np.asarray(values, np.float64)
    return {name: round_value(value) for name, value in zip(names, given / given.sum(), strict=True)}


def compute_weighted_mean(rows: Rows, weights: Floats) -> Floats:
    """(d,) weighted mean of the rows (n, d) that are not missing; plain where their weights are all 0."""
    present = ~is_missing_row(rows)
    used = weights[present] if weights[present].sum() > 0 else np.ones(present.sum())
    return np.asarray(np.average(rows[present].astype(np.float64), axis=0, weights=used))


def round_value(value: Any) -> float:
    """To the four decimals of a record."""
    return round(float(value), 4)

"""How files and texts feel: a record each, with its senses, its course over time and what moved it most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import BadMedia, Rows, missing
from encoders.faces.tracks import track_faces
from encoders.lexicon import nrc_columns, plainly_spelled, sentiment
from retrieval.affect.attribution import Reading, Reason, readings, reasons, words_that_moved
from retrieval.features.affect import AffectEstimate, fuse_affect, compute_duration_weights, affect_to_json
from retrieval.features.extraction import WINDOW_HOP_SECONDS, FileFeatures, SegmentFeatures, extract_features
from retrieval.features.pipeline import FeaturePipeline
from spaces.affect_regression import AUDIO_KINDS, AFFECT_MODALITIES, average_estimates
from spaces.circumplex import DIMENSIONS, EMOTION_SCHEMES, compute_emotion_posterior

Floats = npt.NDArray[np.float64]
Record = dict[str, Any]

SPOKEN = 0.05  # probability of speech from which its emotion is told
BATCH = 256  # texts read at a time; the more, the more often a word was read before
KEYS = (
    "modality", "affect", "experts", "emotions", "speech_emotion", "face_emotion", "face_coverage",
    "trajectory", "why",
)  # fmt: skip
PLUTCHIK = EMOTION_SCHEMES["plutchik"]


def feel_files(
    experts: FeaturePipeline, paths: Sequence[Path], jobs: int, segment: float = 15.0
) -> Iterator[Record | BadMedia]:
    """A record of each file, in the order given; BadMedia for one that can't be read."""
    for found in extract_features(experts, paths, jobs, segment):
        yield found if isinstance(found, BadMedia) else file_record(experts, found)


def feel_texts(experts: FeaturePipeline, texts: Sequence[str]) -> Iterator[Record]:
    """A record of each text, in order; empty ones abstain."""
    for start in range(0, len(texts), BATCH):
        chunk = texts[start : start + BATCH]
        rows = experts.estimate_text_affect(chunk)
        found = AffectEstimate(by_modality={"text": rows}, fused=rows)
        why = words_that_moved(experts.estimate_text_affect, chunk, found.fused)
        for at, text in enumerate(chunk):
            yield text_record(text, found, at, why[at])


def file_record(experts: FeaturePipeline, found: FileFeatures) -> Record:
    """What is told of one file."""
    looked = found.segments
    features = {role: np.concatenate([one.features[role] for one in looked]) for role in looked[0].features}
    weights = compute_duration_weights(np.array([one.span for one in looked], np.float64))
    by_segment = experts.estimate_affect(features)
    senses = {sense: average_estimates(rows, weights)[None] for sense, rows in by_segment.by_modality.items()}
    whole = AffectEstimate(by_modality=senses, fused=average_estimates(by_segment.fused, weights)[None])
    faces, read = features.get("faces"), readings(experts, looked, by_segment.by_modality)
    return {
        "path": str(found.path),
        "modality": found.modality,
        "affect": affect_to_json(whole.fused[0]),
        "experts": _senses(whole, _extras(experts, looked, features, weights)),
        "emotions": _emotions(whole.fused),
        "speech_emotion": _speech(experts, features, weights),
        "face_emotion": None if faces is None else _face_emotion(faces, weights),
        "face_coverage": _coverage(found, faces, weights),
        "trajectory": [step for one in read for step in course(one)],
        "why": [reason.to_json() for reason in reasons(read)],
    }


def failed_record(path: Path, reason: str) -> Record:
    """What is told of a file that can't be read: everything a record has, abstained, and why."""
    nothing: Record = dict.fromkeys(KEYS)
    return {
        "path": str(path), "error": reason, **nothing, "experts": dict.fromkeys(AFFECT_MODALITIES),
        "emotions": dict.fromkeys(PLUTCHIK), "trajectory": [], "why": [],
    }  # fmt: skip


def text_record(text: str, found: AffectEstimate, at: int, why: Sequence[Reason]) -> Record:
    """What is told of one text, whose row is `at` in `found`."""
    senses = AffectEstimate(
        by_modality={s: rows[at : at + 1] for s, rows in found.by_modality.items()}, fused=found.fused[at : at + 1]
    )
    here = not missing(senses.fused)[0]
    plain = plainly_spelled(text)
    extras = {"text": {"vader": sentiment(plain).compound, "lexicon": nrc_columns(plain)}} if here else {}
    return {
        "text": text,
        "modality": "text",
        "affect": affect_to_json(senses.fused[0]),
        "experts": _senses(senses, extras),
        "emotions": _emotions(senses.fused, nrc_columns(plain.lower())),
        "speech_emotion": None,
        "face_emotion": None,
        "face_coverage": None,
        "trajectory": [],
        "why": [reason.to_json() for reason in why],
    }


def course(read: Reading) -> list[dict[str, float]]:
    """Steps of a segment's way over the plane: every half second, or each frame of a silent film.

    At each step the senses are joined as in the whole: the sound about it, the frame that is shown, and the
    faces of the segment. A picture goes no way.
    """
    looked, (start, end) = read.looked, read.looked.span
    if start is None or end is None:
        return []
    begins, ends = _steps(looked, start, end)
    steps: dict[str, Rows] = {}
    if read.sound is not None:
        beyond = len(begins) - len(read.sound)
        steps["sound"] = np.pad(read.sound, ((0, beyond), (0, 0)), constant_values=np.nan)
    if read.image is not None:
        middles = (begins + ends) / 2
        steps["image"] = read.image[np.abs(looked.frame_times[:, None] - middles).argmin(axis=0)]
    if "face" in read.senses:
        steps["face"] = np.repeat(read.senses["face"], len(begins), axis=0)
    rows = fuse_affect(steps, len(begins)).fused
    return [
        {"start": _r(begins[i]), "end": _r(ends[i]), "valence": _r(row[0]), "arousal": _r(row[1])}
        for i, row in enumerate(rows)
        if not missing(row[None])[0]
    ]


def _steps(looked: SegmentFeatures, start: float, end: float) -> tuple[Floats, Floats]:
    """(n,) where the steps of a segment begin and end."""
    if len(looked.window_starts) or not len(looked.frame_times):
        count = max(math.ceil((end - start) / WINDOW_HOP_SECONDS - 1e-6), len(looked.window_starts), 1)
        begins = start + WINDOW_HOP_SECONDS * np.arange(count)
    else:
        begins = looked.frame_times - looked.frame_times[0] + start
    return np.asarray(begins, np.float64), np.append(begins[1:], max(end, begins[-1]))


def _senses(found: AffectEstimate, extras: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every sense's row with its share in the whole; None where it abstains."""
    shares = found.weights
    experts: dict[str, Any] = {}
    for sense in AFFECT_MODALITIES:
        row = affect_to_json(found.by_modality[sense][0]) if sense in found.by_modality else None
        if row is not None:
            weight = [_r(one) for one in shares[sense][0]]
            share = dict(zip(DIMENSIONS, weight, strict=True))
            experts[sense] = {**row, "share": share, **extras.get(sense, {})}
        else:
            experts[sense] = None
    return experts


def _extras(
    experts: FeaturePipeline, looked: Sequence[SegmentFeatures], features: Mapping[str, Rows], weights: Floats
) -> dict[str, dict[str, Any]]:
    """What else a sense can tell: how far people would disagree, what kind of sound it is, who is seen."""
    extras: dict[str, dict[str, Any]] = {}
    if (apart := experts.affect_model.predict_rater_sd(experts.with_labels(features))) is not None and not missing(
        apart
    ).all():
        mean = _mean(apart, weights)
        extras["image"] = {"rater_sd": {"valence": _r(mean[0]), "arousal": _r(mean[1])}}
    if (kinds := experts.affect_model.predict_audio_kind(features)) is not None and not missing(kinds).all():
        mean = _mean(kinds, weights)
        extras["sound"] = {"kind": dict(zip(AUDIO_KINDS, map(_r, mean), strict=True))}
    faces = features.get("faces")
    if faces is not None and not missing(faces).all():
        extras["face"] = {
            "people": int(np.nanmax(faces[:, 8])),
            "confidence": _r(_mean(faces[:, 9:10], weights)[0]),
            "tracks": [track for one in looked for track in _tracks(one)],
        }
    return extras


def _tracks(looked: SegmentFeatures) -> list[Record]:
    """The faces of a segment followed over time: when each is seen, and what it shows."""
    if len(looked.frame_times) != len(looked.frame_features) or not looked.faces:
        return []
    return [
        {
            "start": _r(one.start_time), "end": _r(one.end_time), "frames": one.frame_count,
            "confidence": _r(one.confidence),
            "emotion": _shares(EMOTION_SCHEMES["fer"], one.emotions),
        }
        for one in track_faces(looked.faces, looked.frame_times.tolist())
    ]  # fmt: skip


def _speech(experts: FeaturePipeline, features: Mapping[str, Rows], weights: Floats) -> dict[str, float] | None:
    shares, kinds = experts.affect_model.predict_speech_emotion(features), experts.affect_model.predict_audio_kind(features)
    if shares is None or kinds is None or missing(shares).all():
        return None
    if _mean(kinds, weights)[0] < SPOKEN:
        return None
    return _shares(EMOTION_SCHEMES["ravdess"], _mean(shares, weights * np.nan_to_num(kinds[:, 0])))


def _face_emotion(faces: Rows, weights: Floats) -> dict[str, float] | None:
    if missing(faces).all():
        return None
    return _shares(EMOTION_SCHEMES["fer"], _mean(faces[:, :7], weights * np.nan_to_num(faces[:, 7] * faces[:, 9])))


def _coverage(found: FileFeatures, faces: Rows | None, weights: Floats) -> float | None:
    """The share of frames with a face; None where nothing is to be seen."""
    if faces is None or found.modality == "audio":
        return None
    return _r(np.average(np.nan_to_num(faces[:, 7]), weights=weights))


def _emotions(rows: Rows, counts: Mapping[str, float] | None = None) -> dict[str, float | None]:
    """Plutchik's emotions at a point; with the words of a text that name them, where there are any.

    Both are taken as independent evidence: "not happy" names joy, and lies where joy is unlikely.
    """
    if missing(rows)[0]:
        return dict.fromkeys(PLUTCHIK)
    chances = compute_emotion_posterior(rows)[0]
    if counts is not None:
        named = np.array([counts[name] for name in PLUTCHIK], np.float64)
        chances = chances * (named + 0.5) / (named.sum() + 0.5 * len(named))
    return dict(_shares(PLUTCHIK, chances))


def _shares(names: Sequence[str], values: npt.ArrayLike) -> dict[str, float]:
    given = np.asarray(values, np.float64)
    return {name: _r(one) for name, one in zip(names, given / given.sum(), strict=True)}


def _mean(rows: Rows, weights: Floats) -> Floats:
    """(d,) weighted mean of the rows (n, d) that are there."""
    here = ~missing(rows)
    told_by = weights[here] if weights[here].sum() > 0 else np.ones(here.sum())
    return np.asarray(np.average(rows[here].astype(np.float64), axis=0, weights=told_by))


def _r(value: Any) -> float:
    return round(float(value), 4)

"""Features of files from which affect is estimated: of segments, single frames, and windows of sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Audio, MediaError, Rows, encode_all
from encoders.acoustic import split_sliding_windows
from encoders.faces import Face
from encoders.media import DEFAULT_SEGMENT_SECONDS, DecodedSegment, DecoderPool, Sampling, Segment
from retrieval.features.batching import LoopStep, encode_files
from retrieval.features.faces import encode_faces
from retrieval.features.missing_rows import encode_present, make_missing_rows
from retrieval.features.pipeline import FeaturePipeline

Floats = npt.NDArray[np.float64]

WINDOW_HOP_SECONDS = 0.5  # seconds between readings of sound, as the circumplex report has it


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentFeatures:
    """One segment.

    span:     (start, end) in seconds, (None, None) for an image
    features: raw rows (1, d) by role
    frame_features: raw rows (f, d) of each frame of the role "objects", at `frame_times` (f,) seconds
    faces:    those of its frames, where they can be told apart
    window_features: raw rows (w, d) by role of the sound about each of `window_starts` (w,) seconds
    """

    span: tuple[float | None, float | None]
    features: Mapping[str, Rows]
    frame_features: Rows
    frame_times: Floats
    faces: Sequence[Face]
    window_features: Mapping[str, Rows]
    window_starts: Floats


@dataclass(frozen=True, kw_only=True)
class FileFeatures:
    """All segments of a file in order, and whether it is an image, a video or audio."""

    path: Path
    modality: str
    segments: Sequence[SegmentFeatures]


def extract_features(
    pipeline: FeaturePipeline,
    paths: Sequence[Path],
    jobs: int,
    segment_seconds: float = DEFAULT_SEGMENT_SECONDS,
) -> Iterator[FileFeatures | MediaError]:
    """Features of each file, in the order given; MediaError for one that can't be read.

    Files are decoded side by side and encoded together; one given twice is read once.
    """
    sampling = Sampling(segment_seconds=segment_seconds, sample_rate=pipeline.sample_rate)
    unique, remaining = list(dict.fromkeys(paths)), Counter(paths)
    if not unique:
        return
    results: dict[Path, FileFeatures | MediaError] = {}
    with DecoderPool(min(jobs, len(unique)), sampling) as pool:
        steps = encode_files(pool.read(unique), partial(_extract_batch, pipeline))
        for path in paths:
            while path not in results:
                results |= _collect_results(next(steps))
            yield results[path]
            remaining[path] -= 1
            if not remaining[path]:
                del results[path]


def _extract_batch(pipeline: FeaturePipeline, parts: Sequence[DecodedSegment]) -> list[SegmentFeatures]:
    return extract_segment_features(pipeline, [part.segment for part in parts])


def _collect_results(step: LoopStep[SegmentFeatures]) -> dict[Path, FileFeatures | MediaError]:
    """What a step of the loop completed, by path."""
    results: dict[Path, FileFeatures | MediaError] = {
        file.path: FileFeatures(path=file.path, modality=file.opened.probe.modality, segments=file.results)
        for file in step.completed_files
    }
    if step.failed_file:
        results[step.failed_file.path] = step.failed_file.error
    return results


def extract_segment_features(pipeline: FeaturePipeline, segments: Sequence[Segment]) -> list[SegmentFeatures]:
    """What affect is estimated from, of every segment, its frames, and its sound every half second."""
    clips, sounds = [segment.frames for segment in segments], [segment.audio for segment in segments]
    inputs: dict[str, Sequence[Any | None]] = {"frames": clips, "sound": sounds}
    features = {role: encode_present(pipeline.get_encoder(role), inputs) for role in pipeline.sound_roles}
    faces: list[list[Face]] = [[] for _ in segments]
    if pipeline.has_role("faces"):
        features["faces"], faces = encode_faces(pipeline.get_encoder("faces"), clips)
    frame_rows = _encode_frames(pipeline, clips)
    if pipeline.has_role("objects"):
        features["objects"] = np.stack([_compute_mean(rows) for rows in frame_rows])
    windows, window_starts = _encode_audio_windows(pipeline, sounds)
    return [
        SegmentFeatures(
            span=(segment.start, segment.end),
            features={role: rows[i : i + 1] for role, rows in features.items()},
            frame_features=frame_rows[i],
            frame_times=np.array(segment.frame_times, np.float64),
            faces=faces[i],
            window_features=windows[i],
            window_starts=window_starts[i] + (segment.start or 0.0),
        )
        for i, segment in enumerate(segments)
    ]


def _encode_frames(pipeline: FeaturePipeline, clips: Sequence[Any | None]) -> list[Rows]:
    """Of each clip, rows (frames, d) of the role "objects", one for each frame."""
    ends = np.cumsum([0 if clip is None else len(clip) for clip in clips])
    if not pipeline.has_role("objects"):
        return np.split(make_missing_rows(int(ends[-1]), 0), ends[:-1])
    singles = [frame[None] for clip in clips if clip is not None for frame in clip]
    return np.split(encode_all(pipeline.get_encoder("objects"), singles), ends[:-1])


def _encode_audio_windows(
    pipeline: FeaturePipeline, audio: Sequence[Audio | None]
) -> tuple[list[dict[str, Rows]], list[Floats]]:
    """Of each sound, raw rows (w, d) by role of windows every half second, and their starts (w,) in s."""
    cut = [
        split_sliding_windows(sound, WINDOW_HOP_SECONDS) if sound is not None else ([], np.empty(0))
        for sound in audio
    ]
    ends = np.cumsum([len(starts) for _, starts in cut])[:-1]
    windows = [window for windows_of_sound, _ in cut for window in windows_of_sound]
    rows = {
        role: np.split(encode_all(pipeline.get_encoder(role), windows), ends) for role in pipeline.sound_roles
    }
    features = [{role: parts[i] for role, parts in rows.items()} for i in range(len(audio))]
    return features, [np.asarray(starts, np.float64) for _, starts in cut]


def _compute_mean(rows: Rows) -> Rows:
    """(d,) of rows (f, d); NaN of none."""
    return rows.mean(axis=0) if len(rows) else np.full(rows.shape[1], np.nan, np.float32)

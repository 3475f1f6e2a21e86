"""The one loop from files to features: decoders' events in, segments encoded in batches, whole files out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from encoders import Rows
from encoders.media import DecodedSegment, DecodingEvent, FailedFile, FinishedFile, OpenedFile, Segment
from retrieval.features.pipeline import FeaturePipeline
from spaces import Features

BATCH_FRAMES = 32  # encode when so many frames wait ...
BATCH_AUDIO_SECONDS = 120.0  # ... or so much sound

T = TypeVar("T")
EncodeBatch = Callable[[Sequence[DecodedSegment]], Sequence[T]]
"""Segments of one file or several, in order within each file -> one result a segment."""


@dataclass(kw_only=True)
class ProcessedFile(Generic[T]):
    """A file with the results of its segments.

    spans:   (start, end) of each segment in seconds, (None, None) for a picture
    results: one a segment; a file that was not to be decoded has none
    incomplete_reason: why not all of it could be decoded
    """

    opened: OpenedFile
    spans: list[tuple[float | None, float | None]] = field(default_factory=list)
    results: list[T] = field(default_factory=list)
    is_decoded: bool = False
    incomplete_reason: str | None = None

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.opened.path

    @property
    def is_complete(self) -> bool:
        """Whether all of it is decoded and encoded."""
        return self.is_decoded and len(self.results) == len(self.spans)


@dataclass(frozen=True, kw_only=True)
class LoopStep(Generic[T]):
    """What one event of the decoders led to: segments encoded, files completed, a file that failed."""

    encoded_segments: Sequence[Segment] = ()
    completed_files: Sequence[ProcessedFile[T]] = ()
    failed_file: FailedFile | None = None


def encode_files(events: Iterable[DecodingEvent], encode_batch: EncodeBatch[T]) -> Iterator[LoopStep[T]]:
    """Encode segments of several files together, and give each file out once it is whole.

    There is a step for each event and a last one for the segments that still wait at the end. A file that
    fails in the middle is given as failed, and its segments that wait are dropped.
    """
    open_files: dict[Path, ProcessedFile[T]] = {}
    pending: list[DecodedSegment] = []
    for event in events:
        failed_file = None
        match event:
            case OpenedFile(path=path):
                open_files[path] = ProcessedFile(opened=event)
            case DecodedSegment(path=path, segment=segment):
                open_files[path].spans.append((segment.start, segment.end))
                pending.append(event)
            case FinishedFile(path=path, incomplete_reason=reason):
                open_files[path].is_decoded, open_files[path].incomplete_reason = True, reason
            case FailedFile(path=path):
                open_files.pop(path, None)
                pending, failed_file = [part for part in pending if part.path != path], event
        batch: Sequence[DecodedSegment] = ()
        if is_batch_full(part.segment for part in pending):
            batch, pending = pending, []
        yield _encode_batch(batch, open_files, encode_batch, failed_file)
    yield _encode_batch(pending, open_files, encode_batch)


def _encode_batch(
    batch: Sequence[DecodedSegment],
    open_files: dict[Path, ProcessedFile[T]],
    encode_batch: EncodeBatch[T],
    failed_file: FailedFile | None = None,
) -> LoopStep[T]:
    """Encode a batch, if any, and take the files that are whole out of `open_files`."""
    if batch:
        for part, result in zip(batch, encode_batch(batch), strict=True):
            open_files[part.path].results.append(result)
    completed = [file for file in open_files.values() if file.is_complete]
    for file in completed:
        del open_files[file.path]
    return LoopStep(
        encoded_segments=[part.segment for part in batch], completed_files=completed, failed_file=failed_file
    )


def is_batch_full(segments: Iterable[Segment]) -> bool:
    """Whether so many segments hold enough frames or enough sound to be encoded together."""
    frames, seconds = 0, 0.0
    for segment in segments:
        frames += len(segment.frames) if segment.frames is not None else 0
        seconds += segment.audio.duration if segment.audio is not None else 0.0
    return frames >= BATCH_FRAMES or seconds >= BATCH_AUDIO_SECONDS


def encode_segments(
    pipeline: FeaturePipeline,
    segments: Sequence[Segment],
    *,
    include_affect: bool = True,
    known_rows: Features | None = None,
) -> list[dict[str, Rows]]:
    """Raw rows (1, d) by role of each segment; see `FeaturePipeline.encode_media`."""
    features = pipeline.encode_media(
        [segment.frames for segment in segments],
        [segment.audio for segment in segments],
        include_affect=include_affect,
        known_rows=known_rows,
    )
    return [
        {role: rows[index : index + 1] for role, rows in features.items()} for index in range(len(segments))
    ]


def concatenate_features(parts: Sequence[Features]) -> dict[str, Rows]:
    """Rows (n, d) by role of one part after another. Raises IndexError without any part."""
    return {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}

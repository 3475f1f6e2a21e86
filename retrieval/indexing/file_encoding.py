"""The encoding of files for an index run: on this machine, or wherever else a `FileEncoder` does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from encoders import Rows
from encoders.media import DecodedSegment, DecoderPool, FailedFile, Limits, OpenedFile, Sampling, Segment
from retrieval.features import FeaturePipeline, ProcessedFile, encode_faces, encode_files, encode_segments
from retrieval.indexing.face_boxes import make_face_boxes
from retrieval.previews import (
    PREVIEWING_READER,
    FaceBox,
    ItemPreview,
    SegmentPreview,
    get_preview,
    merge_previews,
)


@dataclass(frozen=True, kw_only=True)
class EncodedSegment:
    """Raw rows (1, d) of a segment by role, and what is shown of it."""

    features: Mapping[str, Rows]
    preview: SegmentPreview | None = None
    faces: Sequence[FaceBox] = ()


EncodedMedia = ProcessedFile[EncodedSegment]


@dataclass(kw_only=True)
class SegmentCounts:
    """Images, frames, and seconds of video and of sound, of segments."""

    images: int = 0
    frames: int = 0
    video_seconds: float = 0.0
    audio_seconds: float = 0.0

    @classmethod
    def from_segments(cls, segments: Sequence[Segment]) -> SegmentCounts:
        """Of these segments."""
        counts = cls()
        for segment in segments:
            duration = (segment.end or 0) - (segment.start or 0)
            counts.images += segment.start is None
            counts.frames += 0 if segment.frames is None else len(segment.frames)
            counts.video_seconds += duration if segment.frames is not None else 0
            counts.audio_seconds += segment.audio.duration if segment.audio is not None else 0
        return counts


@dataclass(frozen=True, kw_only=True)
class EncodingStep:
    """What was encoded since the last step: counts of segments, files that are whole, a file that failed."""

    counts: SegmentCounts = field(default_factory=SegmentCounts)
    completed_files: Sequence[EncodedMedia] = ()
    failed_file: FailedFile | None = None
    has_encoded: bool = False


class FileEncoder(Protocol):
    """Decodes and encodes files."""

    def encode(
        self, paths: Sequence[Path], should_decode: Callable[[OpenedFile], bool]
    ) -> Iterator[EncodingStep]:
        """Steps until each file is completed or has failed; files not to be decoded come without results."""
        ...


@dataclass(frozen=True, kw_only=True)
class LocalEncoder:
    """Decodes files in `jobs` processes and encodes them in this one."""

    pipeline: FeaturePipeline
    segment_seconds: float
    jobs: int

    def encode(
        self, paths: Sequence[Path], should_decode: Callable[[OpenedFile], bool]
    ) -> Iterator[EncodingStep]:
        """Steps as the decoders' events come."""
        sampling = make_sampling(self.pipeline, self.segment_seconds)
        with DecoderPool(min(self.jobs, len(paths)), sampling, Limits(), reader=PREVIEWING_READER) as pool:
            for step in encode_files(pool.read(paths, should_decode=should_decode), self._encode_batch):
                yield EncodingStep(
                    counts=SegmentCounts.from_segments(step.encoded_segments),
                    completed_files=step.completed_files,
                    failed_file=step.failed_file,
                    has_encoded=bool(step.encoded_segments),
                )

    def _encode_batch(self, parts: Sequence[DecodedSegment]) -> list[EncodedSegment]:
        return encode_with_faces(self.pipeline, [part.segment for part in parts])


def encode_with_faces(pipeline: FeaturePipeline, segments: Sequence[Segment]) -> list[EncodedSegment]:
    """Encode segments; faces are detected once, for their rows and for their boxes."""
    known_rows: dict[str, Rows] = {}
    boxes: list[list[FaceBox]] = [[] for _ in segments]
    if pipeline.has_role("faces"):
        clips = [segment.frames for segment in segments]
        known_rows["faces"], faces = encode_faces(pipeline.get_encoder("faces"), clips)
        boxes = [make_face_boxes(segment, found) for segment, found in zip(segments, faces, strict=True)]
    return [
        EncodedSegment(features=features, preview=get_preview(segment), faces=faces)
        for segment, features, faces in zip(
            segments, encode_segments(pipeline, segments, known_rows=known_rows), boxes, strict=True
        )
    ]


def make_item_preview(file: EncodedMedia) -> ItemPreview | None:
    """The preview of a file from those of its segments; None where its reader makes none."""
    previews = [segment.preview for segment in file.results if segment.preview is not None]
    if len(previews) < len(file.results):
        return None
    faces = [face for segment in file.results for face in segment.faces]
    return merge_previews(file.opened.probe, previews, faces)


def make_sampling(pipeline: FeaturePipeline, segment_seconds: float) -> Sampling:
    """How files are sampled for a library."""
    return Sampling(segment_seconds=segment_seconds, sample_rate=pipeline.sample_rate)

"""Previews of segments, made in the decoder processes from what they decode anyway."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast

import numpy as np

from encoders.media import Limits, Probe, Sampling, Segment, compute_segment_bounds, read_media
from retrieval.previews.thumbnail import THUMBNAIL_SIDE_PX, encode_thumbnail
from retrieval.previews.waveform import SegmentPeaks, measure_peaks

MAX_IMAGES = 12  # of a film
PREVIEWING_READER = f"{__name__}:read_media_with_previews"  # for a DecoderPool
PREVIEW_READER = f"{__name__}:read_previews"
PREVIEW_SAMPLING = Sampling(max_frames=1, max_side=THUMBNAIL_SIDE_PX)  # enough for previews alone


@dataclass(frozen=True, kw_only=True)
class SegmentPreview:
    """What is shown of a segment.

    image:   JPEG of the frame nearest to its middle; None without pictures, or where another segment has one
    seconds: of the frame from the start of the file, None for a photo
    peaks:   of its sound; None without any
    """

    image: bytes | None = None
    seconds: float | None = None
    peaks: SegmentPeaks | None = None


@dataclass(frozen=True, kw_only=True)
class PreviewedSegment(Segment):
    """A segment with its preview."""

    preview: SegmentPreview


def get_preview(segment: Segment) -> SegmentPreview | None:
    """The preview of a segment; None where its reader makes none."""
    return segment.preview if isinstance(segment, PreviewedSegment) else None


def read_media_with_previews(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """Metadata of a file, then its segments with their previews. Raises MediaError."""
    parts = read_media(path, sampling, limits)
    probe = cast(Probe, next(parts))
    yield probe
    image_starts = select_image_starts(probe.duration or 0.0, sampling.segment_seconds)
    for segment in cast("Iterator[Segment]", parts):
        preview = make_segment_preview(segment, probe.duration, image_starts)
        values = {field.name: getattr(segment, field.name) for field in fields(segment)}
        yield PreviewedSegment(**values, preview=preview)


def read_previews(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """As `read_media_with_previews`, the segments without frames and sound."""
    for part in read_media_with_previews(path, sampling, limits):
        yield part if isinstance(part, Probe) else replace(part, frames=None, frame_times=(), audio=None)


def select_image_starts(duration: float, segment_seconds: float) -> list[float]:
    """Starts in seconds of the segments that have an image: at most MAX_IMAGES, evenly over a film."""
    starts = [start for start, _ in compute_segment_bounds(duration, segment_seconds)]
    if len(starts) <= MAX_IMAGES:
        return starts
    return [starts[int((i + 0.5) * len(starts) / MAX_IMAGES)] for i in range(MAX_IMAGES)]


def make_segment_preview(
    segment: Segment, duration: float | None, image_starts: Sequence[float]
) -> SegmentPreview:
    """The preview of a segment of a file of `duration` seconds, with an image if it begins at one of these.

    duration: None for a photo, which has an image and no time
    """
    if duration is None or segment.start is None or segment.end is None:
        return SegmentPreview(image=None if segment.frames is None else encode_thumbnail(segment.frames[0]))
    preview = SegmentPreview()
    if segment.frames is not None and np.isclose(segment.start, image_starts, rtol=0, atol=1e-3).any():
        middle = (segment.start + segment.end) / 2
        nearest = int(np.argmin(np.abs(np.array(segment.frame_times) - middle)))
        preview = SegmentPreview(
            image=encode_thumbnail(segment.frames[nearest]), seconds=segment.frame_times[nearest]
        )
    if segment.audio is not None and len(segment.audio.samples) and duration > 0:
        preview = replace(preview, peaks=measure_peaks(segment.audio, segment.start, duration))
    return preview

"""Thumbnails of media: a photo, the middle frame of a video segment, or the waveform of a sound."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from encoders import Audio, Frames
from encoders.media import (
    DecodedSegment,
    DecoderPool,
    Limits,
    Probe,
    Sampling,
    Segment,
    probe,
    read_segments_at,
)

THUMBNAIL_SIDE_PX = 320  # pixels
WAVEFORM_SIZE_PX = (320, 140)  # pixels
WAVEFORM_COLOUR = (79, 109, 245)
BACKGROUND_COLOUR = (238, 241, 250)

Moment = tuple[Path, float]  # a file and the start of a segment of it in seconds; 0 for an image


@dataclass(frozen=True, kw_only=True)
class MomentSampling(Sampling):
    """Sampling of selected segments only, given by their starts in seconds by file."""

    starts_by_path: Mapping[Path, Sequence[float]]


def make_thumbnails(moments: Iterable[Moment], segment_seconds: float) -> dict[Moment, str]:
    """JPEG thumbnails as data URIs, by file and start, of segments of `segment_seconds` seconds.

    Every file is opened once, by a decoder process. Unreadable files are left out.
    """
    unsorted_starts: dict[Path, set[float]] = {}
    for path, start in moments:
        unsorted_starts.setdefault(path, set()).add(start)
    starts_by_path = {path: sorted(seconds) for path, seconds in unsorted_starts.items()}
    sampling = MomentSampling(
        segment_seconds=segment_seconds,
        max_frames=1,
        max_side=THUMBNAIL_SIDE_PX,
        starts_by_path=starts_by_path,
    )
    with DecoderPool(1, sampling, reader=f"{__name__}:read_moments") as pool:
        return {
            (event.path, event.segment.start or 0.0): _to_data_uri(_render_segment(event.segment))
            for event in pool.read(starts_by_path)
            if isinstance(event, DecodedSegment)
        }


def read_moments(path: Path, sampling: MomentSampling, limits: Limits) -> Iterator[Probe | Segment]:
    """Yield a file's probe, then its selected segments, as a DecoderPool's reader. Raises MediaError."""
    file_probe = probe(path, limits)
    yield file_probe
    yield from read_segments_at(path, file_probe, sampling.starts_by_path[path], sampling, limits)


def _render_segment(segment: Segment) -> Image.Image:
    if segment.frames is not None:
        picture = Image.fromarray(segment.frames[0])
        picture.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))  # panoramas exceed max_side
        return picture
    return (
        draw_waveform(segment.audio)
        if segment.audio
        else Image.new("RGB", WAVEFORM_SIZE_PX, BACKGROUND_COLOUR)
    )


def draw_waveform(audio: Audio) -> Image.Image:
    """Draw the peak amplitude of a sound over time as an image of 320 x 140 pixels."""
    width, height = WAVEFORM_SIZE_PX
    peaks = np.array([np.abs(part).max(initial=0) for part in np.array_split(audio.samples, width)])
    half_heights = np.maximum(peaks / max(float(peaks.max()), 1e-6) * (height / 2 - 8), 1)
    inside = np.abs(np.arange(height)[:, None] - height / 2) <= half_heights
    pixels: Frames = np.where(
        inside[..., None], np.array(WAVEFORM_COLOUR, np.uint8), np.array(BACKGROUND_COLOUR, np.uint8)
    )
    return Image.fromarray(pixels)


def _to_data_uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()

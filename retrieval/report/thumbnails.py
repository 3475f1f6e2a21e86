"""Small pictures of media: a photo, the middle of a video's moment, or the wave of a sound."""

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

Moment = tuple[Path, float]  # a file and the seconds at which a segment of it begins; 0 for a picture


@dataclass(frozen=True, kw_only=True)
class MomentSampling(Sampling):
    """Sampling of chosen segments alone: the seconds at which they begin, by file."""

    starts_by_path: Mapping[Path, Sequence[float]]


def make_thumbnails(moments: Iterable[Moment], segment_seconds: float) -> dict[Moment, str]:
    """JPEGs as data URIs of segments of `segment_seconds` seconds, each by its file and start.

    Every file is opened once, by a decoder process. What can't be read any more is left out.
    """
    starts: dict[Path, set[float]] = {}
    for path, start in moments:
        starts.setdefault(path, set()).add(start)
    asked = {path: sorted(some) for path, some in starts.items()}
    sampling = MomentSampling(
        segment_seconds=segment_seconds, max_frames=1, max_side=THUMBNAIL_SIDE_PX, starts_by_path=asked
    )
    with DecoderPool(1, sampling, reader=f"{__name__}:read_moments") as pool:
        return {
            (event.path, event.segment.start or 0.0): _to_data_uri(_render_segment(event.segment))
            for event in pool.read(asked)
            if isinstance(event, DecodedSegment)
        }


def read_moments(path: Path, sampling: MomentSampling, limits: Limits) -> Iterator[Probe | Segment]:
    """What a file holds, then its chosen segments: a reader for a DecoderPool. Raises MediaError."""
    found = probe(path, limits)
    yield found
    yield from read_segments_at(path, found, sampling.starts_by_path[path], sampling, limits)


def _render_segment(segment: Segment) -> Image.Image:
    if segment.frames is not None:
        picture = Image.fromarray(segment.frames[0])
        picture.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))  # a panorama is read larger
        return picture
    return (
        draw_waveform(segment.audio)
        if segment.audio
        else Image.new("RGB", WAVEFORM_SIZE_PX, BACKGROUND_COLOUR)
    )


def draw_waveform(audio: Audio) -> Image.Image:
    """The loudness of a sound over time, drawn as a wave of 320 x 140 pixels."""
    width, height = WAVEFORM_SIZE_PX
    peaks = np.array([np.abs(part).max(initial=0) for part in np.array_split(audio.samples, width)])
    tall = np.maximum(peaks / max(float(peaks.max()), 1e-6) * (height / 2 - 8), 1)
    inside = np.abs(np.arange(height)[:, None] - height / 2) <= tall
    pixels: Frames = np.where(
        inside[..., None], np.array(WAVEFORM_COLOUR, np.uint8), np.array(BACKGROUND_COLOUR, np.uint8)
    )
    return Image.fromarray(pixels)


def _to_data_uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()

"""Small pictures of media: a photo, the middle of a video's moment, or the wave of a sound."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from encoders.base import Frames, Sound
from encoders.media import Limits, Probe, Sampling, Segment, glimpses, probe
from encoders.media.decoder_pool import DecoderPool, Part

SIDE = 320  # pixels
WAVE = (320, 140)  # pixels
INK = (79, 109, 245)
PAPER = (238, 241, 250)

Moment = tuple[Path, float]  # a file and the seconds at which a segment of it begins; 0 for a picture


@dataclass(frozen=True, kw_only=True)
class Moments(Sampling):
    """Sampling of chosen segments alone: the seconds at which they begin, by file."""

    starts: Mapping[Path, Sequence[float]]


def thumbnails(wanted: Iterable[Moment], segment: float) -> dict[Moment, str]:
    """JPEGs as data URIs of segments of `segment` seconds, each by its file and start.

    Every file is opened once, by a decoder process. What can't be read any more is left out.
    """
    starts: dict[Path, set[float]] = {}
    for path, start in wanted:
        starts.setdefault(path, set()).add(start)
    asked = {path: sorted(some) for path, some in starts.items()}
    sampling = Moments(segment=segment, most=1, side=SIDE, starts=asked)
    with DecoderPool(1, sampling, reader=f"{__name__}:read") as pool:
        return {
            (event.path, event.segment.start or 0.0): _uri(_picture(event.segment))
            for event in pool.read(asked)
            if isinstance(event, Part)
        }


def read(path: Path, moments: Moments, limits: Limits) -> Iterator[Probe | Segment]:
    """What a file holds, then its chosen segments: a reader for a DecoderPool. Raises BadMedia."""
    found = probe(path, limits)
    yield found
    yield from glimpses(path, found, moments.starts[path], moments, limits)


def _picture(segment: Segment) -> Image.Image:
    if segment.frames is not None:
        picture = Image.fromarray(segment.frames[0])
        picture.thumbnail((SIDE, SIDE))  # a panorama is read larger
        return picture
    return wave(segment.sound) if segment.sound else Image.new("RGB", WAVE, PAPER)


def wave(sound: Sound) -> Image.Image:
    """The loudness of a sound over time, drawn as a wave of 320 x 140 pixels."""
    width, height = WAVE
    peaks = np.array([np.abs(part).max(initial=0) for part in np.array_split(sound.samples, width)])
    tall = np.maximum(peaks / max(float(peaks.max()), 1e-6) * (height / 2 - 8), 1)
    inside = np.abs(np.arange(height)[:, None] - height / 2) <= tall
    pixels: Frames = np.where(inside[..., None], np.array(INK, np.uint8), np.array(PAPER, np.uint8))
    return Image.fromarray(pixels)


def _uri(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()

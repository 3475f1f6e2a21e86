"""Small pictures of media: a photo, the middle of a video's moment, or the wave of a sound."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from encoders.base import Frames, Sound
from encoders.media import Sampling, Segment
from encoders.media.decoding import DecoderPool, Part

SIDE = 320  # pixels
WAVE = (320, 140)  # pixels
INK = (79, 109, 245)
PAPER = (238, 241, 250)


class Thumbnails:
    """Pictures as data URIs, each made once; read by a decoder process of its own."""

    def __init__(self, segment: float) -> None:
        self._pool = DecoderPool(1, Sampling(segment=segment, most=1, side=SIDE))
        self._made: dict[tuple[str, float | None], str | None] = {}

    def __enter__(self) -> Thumbnails:
        """Start the decoder process."""
        self._pool.__enter__()
        return self

    def __exit__(self, *why: object) -> None:
        """End it."""
        self._pool.__exit__(*why)

    def uri(self, path: str | Path, start: float | None = None) -> str | None:
        """A JPEG as a data URI; None for a file that can't be read any more."""
        key = (str(path), start)
        if key not in self._made:
            segment = self._segment(Path(path), start or 0.0)
            self._made[key] = None if segment is None else _uri(_picture(segment))
        return self._made[key]

    def _segment(self, path: Path, start: float) -> Segment | None:
        for event in self._pool.read([path]):
            if isinstance(event, Part) and (event.segment.start or 0.0) >= start - 1e-3:
                return event.segment
        return None


def _picture(segment: Segment) -> Image.Image:
    if segment.frames is not None:
        return Image.fromarray(segment.frames[0])
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

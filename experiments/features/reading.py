"""Readers of media for experiments: the first segment alone, or several pictures as one clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from encoders import Frames, MediaError
from encoders.media import DEFAULT_LIMITS, Limits, Probe, Sampling, Segment, read_media

FIRST_SEGMENT_READER = f"{__name__}:read_first_segment"
ALL_SEGMENTS_READER = "encoders.media:read_media"


def read_first_segment(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """A file's Probe, then its first segment: a reader for a DecoderPool. Raises MediaError."""
    yield from islice(read_media(path, sampling, limits), 2)


def read_images_as_clip(paths: Sequence[Path], sampling: Sampling) -> Segment:
    """Pictures as the frames (n, h, w, 3) of one clip, in the size of the first. Raises MediaError."""
    frames = [_read_first_frame(path, sampling) for path in paths]
    height, width = frames[0].shape[:2]
    sized = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames]
    stack = np.asarray(np.stack(sized), np.uint8)
    return Segment(
        start=None, end=None, frames=stack, frame_times=tuple(map(float, range(len(stack)))), audio=None
    )


def _read_first_frame(path: Path, sampling: Sampling) -> Frames:
    """(h, w, 3) the first frame of a file."""
    for part in read_first_segment(path, sampling, DEFAULT_LIMITS):
        if isinstance(part, Segment) and part.frames is not None:
            return np.asarray(part.frames[0])
    raise MediaError(path, "no picture")

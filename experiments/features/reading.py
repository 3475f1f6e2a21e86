"""Ways to read media for training: the first segment alone, or several pictures as one clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from encoders.base import BadMedia, Frames
from encoders.media import LIMITS, Limits, Probe, Sampling, Segment, read

FIRST = f"{__name__}:first"
EVERY = "encoders.media:read"


def first(path: Path, sampling: Sampling, limits: Limits) -> Iterator[Probe | Segment]:
    """What a file holds, then its first segment: a reader for a DecoderPool. Raises BadMedia."""
    yield from islice(read(path, sampling, limits), 2)


def joined(pictures: Sequence[Path], sampling: Sampling) -> Segment:
    """Pictures as the frames (n, h, w, 3) of one clip, in the size of the first. Raises BadMedia."""
    frames = [_picture(path, sampling) for path in pictures]
    height, width = frames[0].shape[:2]
    sized = [cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames]
    stack = np.asarray(np.stack(sized), np.uint8)
    return Segment(start=None, end=None, frames=stack, times=tuple(map(float, range(len(stack)))), sound=None)


def _picture(path: Path, sampling: Sampling) -> Frames:
    """(h, w, 3) the first frame of a file."""
    for part in first(path, sampling, LIMITS):
        if isinstance(part, Segment) and part.frames is not None:
            return np.asarray(part.frames[0])
    raise BadMedia(path, "no picture")

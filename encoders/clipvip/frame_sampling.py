"""Which frames of a video CLIP-ViP reads, and their pixels.

By the released code: 12 frames of a video at 6 frames a second, at equal distance; in training the first and
the last are drawn within a step.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import Frames

Ints = npt.NDArray[np.int64]

FRAME_COUNT = 12
CLIP_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
CLIP_STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


def sample_uniform(available: int, count: int = FRAME_COUNT) -> Ints:
    """(count,) frame numbers from the first to the last; a shorter video repeats some.

    Raises ValueError for a video without frames.
    """
    _check_available(available)
    return np.floor(np.linspace(0, available - 1, count)).astype(np.int64)


def sample_jittered(available: int, rng: np.random.Generator, count: int = FRAME_COUNT) -> Ints:
    """As `sample_uniform`, from a first and to a last frame drawn within a step of the ends."""
    _check_available(available)
    step = available // (count - 1) if count > 1 else 0
    start = int(rng.integers(0, min(step, available - 1) + 1))
    end = int(rng.integers(max(available - 1 - step, start), available))
    return np.floor(np.linspace(start, end, count)).astype(np.int64)


def make_pixels(frames: Frames, side: int) -> npt.NDArray[np.float32]:
    """(T, 3, side, side) pixels of frames (T, h, w, 3), standardised as for CLIP, by `scale_to_square`."""
    pixels = (scale_to_square(frames, side).astype(np.float32) / 255 - CLIP_MEAN) / CLIP_STD
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def scale_to_square(frames: Frames, side: int) -> Frames:
    """Frames (T, h, w, 3) as (T, side, side, 3), without regard to their shape.

    As in training of the released weights (CLIP itself crops the middle). Raises ValueError without frames.
    """
    return np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR) for frame in frames])


def _check_available(available: int) -> None:
    if available < 1:
        raise ValueError("a video without frames")

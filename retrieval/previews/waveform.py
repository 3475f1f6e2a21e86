"""Waveforms: the peak amplitude of a sound in equal intervals of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from encoders import Audio

MAX_PEAKS = 400
MAX_PEAKS_PER_SECOND = 100  # so that each interval of a short sound has samples

Amplitudes = npt.NDArray[np.float32]
Peaks = npt.NDArray[np.uint8]


class SegmentPeaks(NamedTuple):
    """Peaks (m,) of absolute amplitude in a segment, the first of them number `first` of its file."""

    first: int
    amplitudes: Amplitudes


def count_peaks(duration: float) -> int:
    """How many peaks a sound of so many seconds has."""
    return max(1, min(MAX_PEAKS, int(duration * MAX_PEAKS_PER_SECOND)))


def measure_peaks(audio: Audio, start: float, duration: float) -> SegmentPeaks:
    """Peaks of a segment that begins `start` seconds into a sound of `duration` seconds, which has samples.

    Samples beyond the duration count for its last interval.
    """
    count = count_peaks(duration)
    per_second = count / duration
    last_time = start + (len(audio.samples) - 1) / audio.sample_rate
    first, last = (min(int(seconds * per_second), count - 1) for seconds in (start, last_time))
    bounds = np.ceil((np.arange(first + 1, last + 1) / per_second - start) * audio.sample_rate)
    starts = np.concatenate([[0], bounds]).clip(0, len(audio.samples) - 1).astype(np.intp)
    return SegmentPeaks(first, np.maximum.reduceat(np.abs(audio.samples), starts).astype(np.float32))


def merge_peaks(parts: Sequence[SegmentPeaks], duration: float) -> Peaks:
    """Peaks (n,) of a whole sound relative to its loudest, which is 255; n at most MAX_PEAKS.

    0 where it is silent, and where nothing could be decoded.
    """
    amplitudes = np.zeros(count_peaks(duration), np.float32)
    for part in parts:
        inside = amplitudes[part.first : part.first + len(part.amplitudes)]
        np.maximum(inside, part.amplitudes, out=inside)
    loudest = float(amplitudes.max())
    return np.rint(amplitudes * (255 / loudest) if loudest else amplitudes).astype(np.uint8)

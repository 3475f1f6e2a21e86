"""Peaks of sounds, measured by segment and merged."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import Audio
from retrieval.previews.waveform import MAX_PEAKS, count_peaks, measure_peaks, merge_peaks

RATE = 8000


def compute_peaks(samples, duration):
    """The same over the whole sound at once, interval by interval."""
    count = count_peaks(duration)
    numbers = np.minimum((np.arange(len(samples)) / RATE * (count / duration)).astype(int), count - 1)
    peaks = np.array([np.abs(samples[numbers == number]).max(initial=0) for number in range(count)])
    return np.rint(peaks * (255 / peaks.max())).astype(int) if peaks.any() else peaks.astype(int)


@given(st.integers(1, 4 * RATE), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_segments_merge_to_the_peaks_of_the_whole(size, parts, seed):
    samples = np.random.default_rng(seed).normal(0, 0.2, size).astype(np.float32)
    duration = size / RATE
    bounds = np.linspace(0, size, parts + 1).astype(int)
    segments = [
        measure_peaks(Audio(samples=samples[low:high], sample_rate=RATE), low / RATE, duration)
        for low, high in pairwise(bounds)
        if high > low
    ]
    merged = merge_peaks(segments, duration)
    expected = compute_peaks(samples, duration)
    # a sample on the very edge of an interval may count for its neighbour
    wrong = np.flatnonzero(np.abs(merged.astype(int) - expected) > 1)
    assert len(merged) == count_peaks(duration) and len(wrong) <= 0.02 * len(merged) + 2


def test_a_click_is_where_it_is():
    samples = np.zeros(8 * RATE, np.float32)
    samples[6 * RATE] = -0.5
    peaks = merge_peaks([measure_peaks(Audio(samples=samples, sample_rate=RATE), 0.0, 8.0)], 8.0)
    assert len(peaks) == MAX_PEAKS and np.flatnonzero(peaks).tolist() == [300] and peaks[300] == 255


def test_silence_is_silent():
    silent = merge_peaks(
        [measure_peaks(Audio(samples=np.zeros(RATE, np.float32), sample_rate=RATE), 0.0, 1.0)], 1.0
    )
    assert silent.dtype == np.uint8 and not silent.any()


@pytest.mark.parametrize("duration, count", [(0.001, 1), (0.5, 50), (4.0, 400), (7200.0, 400)])
def test_short_sounds_have_fewer_peaks(duration, count):
    assert count_peaks(duration) == count


def test_samples_beyond_the_duration_count_for_the_end():
    peaks = merge_peaks(
        [measure_peaks(Audio(samples=np.full(RATE, 0.1, np.float32), sample_rate=RATE), 15.0, 15.5)], 15.5
    )
    assert len(peaks) == 400 and peaks[-13:].min() == 255 and not peaks[:387].any()

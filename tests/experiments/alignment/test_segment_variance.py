"""Averages of segments and the variation inside them."""

import numpy as np
import pytest

from experiments.alignment import segment_variance


def test_deviation_inside_segments():
    """Two videos of 30 s: the mood of one jumps at 7 s, that of the other not at all."""
    seconds = np.tile(np.arange(30.0), 2)
    videos = np.repeat(["jumps", "stays"], 30)
    readings = np.zeros((60, 2))
    readings[(videos == "jumps") & (seconds >= 7)] = [1.0, 0.5]
    readings[videos == "stays"] = -1
    short, long = (
        segment_variance.measure_deviation(readings, seconds, videos, length) for length in (1.0, 10.0)
    )
    assert short.segment_count == 0 and np.isnan(short.within_sd).all()
    window = readings[:10]
    expected = np.sqrt(((window - window.mean(0)) ** 2).sum(0) / (6 * 9))
    assert np.allclose(long.within_sd, expected) and long.segment_count == 6
    assert np.allclose(long.within_share, expected**2 / readings.var(axis=0, ddof=1))
    whole = segment_variance.measure_deviation(readings, seconds, videos, 30.0)
    assert whole.within_sd[0] > long.within_sd[0]


def test_averages_of_segments():
    readings = np.array([[0.0, 0], [1, 1], [np.nan, 0], [3, 3], [9, 9]])
    segments = segment_variance.average_segments(readings, [0, 1.9, 1, 2, 0.5], ["a", "a", "a", "a", "b"], 2)
    assert segments.videos.tolist() == ["a", "a", "b"] and segments.starts.tolist() == [0, 2, 0]
    assert np.allclose(segments.means, [[0.5, 0.5], [3, 3], [9, 9]]) and segments.counts.tolist() == [2, 1, 1]
    for bad in ((readings, [0] * 5, ["a"] * 5, 0), (readings, [0] * 4, ["a"] * 5, 2)):
        with pytest.raises(ValueError, match=r"length above|readings"):
            segment_variance.average_segments(*bad)

"""Clocks that begin anew or run over within a file."""

import numpy as np
import pytest
from media_factory import tone
from media_reading import numbers, parts, pitch
from timing_factory import broadcast, joined

from encoders import media
from encoders.media import Sampling
from encoders.media.timestamp_resets import count_clock_resets


@pytest.mark.parametrize("ending", ["ts", "mpg", "vob"])
def test_a_clock_that_begins_anew(tmp_path, ending):
    one = broadcast(tmp_path / f"one.{ending}", 8, hertz=440)
    two = broadcast(tmp_path / f"two.{ending}", 10, first=24, hertz=1000)
    path = joined(tmp_path / f"both.{ending}", one, two)
    assert media.probe(path).duration == pytest.approx(18, abs=0.1)
    (part,) = parts(path, segment_seconds=30, max_frames=None)
    assert len(part.frame_times) == 18
    assert all(abs(t - number / 3) < 0.35 for t, number in numbers([part]))
    assert pitch(part.audio, 6.5) == pytest.approx(440, abs=2) and pitch(part.audio, 8.5) == 1000


def test_a_clock_that_begins_earlier_than_the_first(tmp_path):
    """ffmpeg takes the second clock for one that ran over, 26 hours later."""
    one = broadcast(tmp_path / "one.ts", 8, hertz=440, origin=200)
    path = joined(tmp_path / "both.ts", one, broadcast(tmp_path / "two.ts", 10, first=24, hertz=1000))
    assert media.probe(path).duration == pytest.approx(18, abs=0.1)
    assert all(abs(t - number / 3) < 0.35 for t, number in numbers(parts(path, max_frames=None)))


def test_a_clock_that_runs_over(tmp_path):
    path = broadcast(tmp_path / "over.ts", 16, origin=2**33 / 90000 - 6)
    assert media.probe(path).duration == pytest.approx(16, abs=0.1)
    assert all(abs(t - number / 3) < 0.35 for t, number in numbers(parts(path, max_frames=None)))


def test_chained_sounds(tmp_path):
    one, two = tone(tmp_path / "one.opus", 3, rate=48000), tone(tmp_path / "two.opus", 4, rate=48000)
    path = joined(tmp_path / "both.opus", one, two)
    assert media.probe(path).duration == pytest.approx(7, abs=0.1)
    assert sum(part.audio.duration for part in parts(path)) == pytest.approx(7, abs=0.1)


def test_a_glimpse_after_a_clock_began_anew(tmp_path):
    one, two = broadcast(tmp_path / "one.ts", 8), broadcast(tmp_path / "two.ts", 10, first=24)
    path = joined(tmp_path / "both.ts", one, two)
    asked = Sampling(segment_seconds=5, max_frames=1)
    (glimpse,) = media.read_segments_at(path, media.probe(path), [10.0], asked)
    assert abs(glimpse.frame_times[0] - numbers([glimpse])[0][1] / 3) < 0.35 and glimpse.frame_times[0] > 11


def restarts(*steps, broadcast=False):
    """Runs of streams whose packets take turns in the file."""
    tracks = [(np.arange(len(s)) * len(steps) + at, np.array(s, float)) for at, s in enumerate(steps)]
    return [run.tolist() for run in count_clock_resets(tracks, broadcast)]


def test_restarts_are_told_from_damage():
    assert restarts([0, 1, 2, 0, 1]) == [[0, 0, 0, 1, 1]]
    assert restarts([0, 1, 2, 3, 0, 1], [0, 1, 2, 0, 1, 2]) == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]]
    assert restarts([0, 1, 900, 2, 3, 4]) == [[0] * 6]  # one stamp ahead
    assert restarts([0, 1, 2, 0.5, 2.1, 3]) == [[0] * 6]  # one stamp back
    assert restarts([0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 0, 1, 2, 3, 4]) == [[0] * 8] * 2  # one stream alone
    assert restarts([0, 1, 2, 300, 301]) == [[0] * 5]  # a slide show
    assert restarts([0, 1, 2, 300, 301], broadcast=True) == [[0, 0, 0, 1, 1]]
    assert restarts([0, 1, 2, 33, 34], [30, 31, 32, 33, 34], broadcast=True) == [[0] * 5] * 2

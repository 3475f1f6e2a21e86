"""Every frame at its moment: edit lists, late beginnings, impossible durations."""

import numpy as np
import pytest
from media_factory import clip
from media_reading import numbers, parts
from timing_factory import cut_losslessly, ends_before_it_ends, vorbis

from encoders import media
from encoders.media.packet_timing import estimate_last_duration


def assert_shown_on_time(found, fps, begin=0.0):
    """Every frame is the one of its moment, in a film that begins at `begin` of the numbered one."""
    shown = numbers(found)
    assert shown == [(t, round((t + begin) * fps)) for t, _ in shown]
    assert shown == sorted(shown)


@pytest.mark.parametrize("ending", ["mp4", "mov"])
@pytest.mark.parametrize("start", [8, 10, 11])
def test_frames_hidden_by_an_edit_list(tmp_path, ending, start):
    whole = clip(tmp_path / f"whole.{ending}", seconds=20, fps=3, sound=20)
    path = cut_losslessly(tmp_path / f"cut.{ending}", whole, key=8, start=start)
    assert media.probe(path).duration == pytest.approx(20 - start, abs=0.05)
    found = parts(path, max_frames=None)
    assert len(numbers(found)) == 20 - start
    assert_shown_on_time(found, 3, begin=start)


@pytest.mark.parametrize(("ending", "codec"), [("webm", "libvpx"), ("mkv", "libx264"), ("mp4", "libx264")])
@pytest.mark.parametrize("late", [4, 7])
def test_pictures_that_begin_after_the_sound(tmp_path, ending, codec, late):
    begins = [late * 1000 + at * 500 for at in range(24)]
    path = clip(tmp_path / f"late.{ending}", begins=begins, fps=2, codec=codec, sound=20)
    found = parts(path, max_frames=None)
    shown = numbers(found)
    assert shown[0] == (pytest.approx(late, abs=0.01), 0)
    assert all(abs(t - late - number / 2) < 0.6 for t, number in shown)  # VP8 leaves out small changes
    assert shown[-1][0] == pytest.approx(late + 11.5, abs=0.01)


def test_a_last_packet_with_an_impossible_duration(tmp_path):
    path = ends_before_it_ends(tmp_path / "short.ogg", vorbis(tmp_path / "whole.ogg"))
    assert media.probe(path).duration == pytest.approx(0.27, abs=0.03)
    assert sum(part.audio.duration for part in parts(path)) == pytest.approx(0.27, abs=0.03)


def test_what_a_last_packet_may_claim():
    begins = np.array([0.0, 0.02, 0.04])
    assert estimate_last_duration(begins, np.array([0.02, 0.02, 0.02]), 1.0) == 0.02
    assert estimate_last_duration(np.array([0.0, 30.0]), np.array([30.0, 90.0]), 60.0) == 90
    assert estimate_last_duration(np.array([0.0]), np.array([5.0]), 60.0) == 5
    assert np.isnan(estimate_last_duration(begins, np.array([0.02, 0.02, 2**32 / 22050]), 1.0))
    assert np.isnan(estimate_last_duration(begins, np.array([0.02, 0.02, -0.5]), 1.0))

"""Frames of a film: by both decoders, at variable rates, the right way up, of files cut short and damaged."""

import os

import numpy as np
import pytest
from media_factory import BLUE, GREEN, RED, WHITE, clip, cut_short, gif, turned
from media_reading import by_av, close, corners, numbers, parts, reason
from timing_factory import matrix, remuxed

from encoders import media
from encoders.base import MediaError
from encoders.media import Limits, Sampling
from encoders.media.segments import compute_frame_times
from encoders.media.video import DecordReader, has_same_times


def test_a_clip(tmp_path):
    path = clip(tmp_path / "clip.mp4", seconds=2, sound=2)
    found = media.probe(path)
    assert (found.modality, found.width, found.height, found.fps) == ("video", 160, 120, 10)
    assert found.duration == pytest.approx(2, abs=0.05) and found.sample_rate == 48000
    (part,) = parts(path)
    assert part.frame_times == pytest.approx((0.5, 1.5)) and part.frames.shape == (2, 120, 160, 3)
    assert part.audio.sample_rate == 16000 and part.audio.duration == pytest.approx(2, abs=0.05)
    assert close([part.frames[0][60, 80], part.frames[1][60, 80]], [[20] * 3, [60] * 3], 6)


@pytest.mark.parametrize(
    ("ending", "codec"),
    [("mp4", "libx264"), ("mov", "mpeg4"), ("mkv", "libx264"), ("webm", "libvpx"), ("avi", "mpeg4")],
)
def test_decord_and_pyav_agree(tmp_path, ending, codec):
    path = clip(tmp_path / f"clip.{ending}", seconds=20, fps=8, size=(240, 180), codec=codec)
    for one, two in zip(parts(path, max_side=200), by_av(path, max_side=200), strict=True):
        assert len(one.frame_times) in (5, 8) and one.frames.shape[1:] == (150, 200, 3)
        assert one.frame_times == pytest.approx(two.frame_times, abs=2e-3)
        assert np.abs(one.frames.astype(int) - two.frames).mean() < 1


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_variable_frame_rate(tmp_path, ending):
    gaps = np.random.default_rng(0).integers(20, 400, 40)
    begins = np.cumsum(gaps) - gaps[0]
    path = clip(tmp_path / f"vfr.{ending}", begins=begins.tolist())
    (part,), (again,) = parts(path, max_frames=None), by_av(path, max_frames=None)
    shown = [begins[begins <= 1000 * t + 10].max() / 1000 for t in compute_frame_times(0, part.end, 1, None)]
    assert part.frame_times == pytest.approx(shown, abs=2e-3) and again.frame_times == pytest.approx(
        shown, abs=2e-3
    )
    levels = [4 * int(np.flatnonzero(begins == round(1000 * t))[0]) for t in shown]
    assert close(part.frames[:, 60, 80].mean(-1), levels, 6)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, [RED, GREEN, BLUE, WHITE]),
        (90, [BLUE, RED, WHITE, GREEN]),
        (180, [WHITE, BLUE, GREEN, RED]),
        (270, [GREEN, WHITE, RED, BLUE]),
    ],
)
def test_rotation_flags(tmp_path, degrees, expected):
    path = turned(tmp_path / "turned.mp4", clip(tmp_path / "clip.mp4"), degrees)
    for read in (parts, by_av):
        frames = read(path, max_side=80)[0].frames
        assert frames.shape[1:] == ((60, 80, 3) if degrees % 180 == 0 else (80, 60, 3))
        assert close(corners(frames[0]), expected, 60)
    found = media.probe(path)
    assert (found.width, found.height) == ((160, 120) if degrees % 180 == 0 else (120, 160))


def test_one_frame(tmp_path):
    (part,) = parts(clip(tmp_path / "one.mp4", begins=[0]))
    assert part.frame_times == (0,) and len(part.frames) == 1


def test_gif(tmp_path):
    path = gif(tmp_path / "moves.png")  # the content counts, not the ending
    assert media.probe(path).modality == "video"
    (part,) = parts(path)
    assert part.frame_times == pytest.approx((0.5,)) and close(part.frames[0, 24, 32], [100] * 3, 12)
    assert media.probe(gif(tmp_path / "still.gif", frames=1)).modality == "image"


def test_a_film_that_begins_late_keeps_its_time(tmp_path):
    path = clip(tmp_path / "late.mkv", begins=[*range(1000, 4000, 100)], sound=4)
    for read in (parts, by_av):
        assert read(path)[0].frame_times == pytest.approx((1.0, 1.5, 2.5, 3.5))


@pytest.mark.parametrize(("ending", "share"), [("mkv", 0.6), ("avi", 0.2)])
def test_a_truncated_film_gives_what_is_left(tmp_path, ending, share):
    codec = {"mkv": "libx264", "avi": "mpeg4"}[ending]
    whole = clip(tmp_path / f"whole.{ending}", seconds=40, fps=10, codec=codec)
    found = parts(cut_short(tmp_path / f"cut.{ending}", whole, share))
    assert found and 10 < found[-1].end < 35 and all(len(part.frames) for part in found)


def test_a_truncated_mp4_without_its_index(tmp_path):
    whole = clip(tmp_path / "whole.mp4")
    assert reason(cut_short(tmp_path / "cut.mp4", whole, 0.5)) == "truncated or damaged mp4"


def test_damaged_in_the_middle(tmp_path):
    path = clip(tmp_path / "damaged.mkv", seconds=20, fps=10)
    data = bytearray(path.read_bytes())
    for place in np.random.default_rng(0).integers(2000, len(data) - 2000, 60):
        data[place] ^= 0xFF
    path.write_bytes(data)
    assert all(len(part.frames) for part in parts(path))


def test_names_that_are_not_utf8(tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    path = clip(tmp_path / "clip.mp4").rename(tmp_path / name)
    assert parts(path)[0].frame_times == pytest.approx((0.5, 1.5))
    path.write_bytes(b"")
    with pytest.raises(MediaError, match=r"caf\\xe9.mp4: empty file"):
        media.probe(path)


def test_too_many_pixels_in_a_film(tmp_path):
    assert "megapixels" in reason(clip(tmp_path / "clip.mp4"), Limits(max_pixels=10_000))


def test_decord_is_believed_only_where_its_frames_are_those_of_the_file(tmp_path):
    begins = np.arange(5.0)
    assert (
        has_same_times(begins - 8, begins)
        and not has_same_times(begins[:4], begins)
        and not has_same_times(begins * 1.01, begins)
    )
    assert not has_same_times(np.array([]), np.array([]))
    whole = clip(tmp_path / "whole.mp4", seconds=2)
    with pytest.raises(ValueError, match="other frames"):
        DecordReader(whole, (160, 120), np.arange(19) / 10)


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_turn_written_in_the_stream(tmp_path, degrees, ending):
    """SEI counts counter-clockwise, the helper for the container clockwise."""
    source = clip(tmp_path / "clip.mp4")
    inside = remuxed(tmp_path / f"sei.{ending}", source, sei=degrees)
    outside = turned(tmp_path / "turned.mp4", source, 360 - degrees)
    (one,), (two,) = parts(inside), parts(outside)
    assert one.frames.shape == two.frames.shape
    assert np.abs(one.frames.astype(int) - two.frames).mean() < 2
    found = media.probe(inside)
    assert one.frames.shape[1:3] == (found.height, found.width)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ((-1, 0, 0, 1), [GREEN, RED, WHITE, BLUE]),
        ((1, 0, 0, -1), [BLUE, WHITE, RED, GREEN]),
        ((0, 1, 1, 0), [RED, BLUE, GREEN, WHITE]),
        ((0, -1, -1, 0), [WHITE, GREEN, BLUE, RED]),
        ((0, 0, 0, 0), [RED, GREEN, BLUE, WHITE]),
    ],
)
def test_mirrored_films(tmp_path, entries, expected):
    path = matrix(tmp_path / "mirrored.mp4", clip(tmp_path / "clip.mp4"), entries)
    frame = parts(path, max_side=80)[0].frames[0]
    assert np.abs(np.subtract(corners(frame), expected)).max() <= 60


def test_a_glimpse_of_a_turned_film_is_the_frame_of_its_segment(tmp_path):
    path = turned(tmp_path / "turned.mp4", clip(tmp_path / "clip.mp4", seconds=60, fps=1), 90)
    (glimpse,) = media.read_segments_at(path, media.probe(path), [45.0], Sampling(max_frames=1))
    assert numbers([glimpse]) == numbers(parts(path, max_frames=1)[3:]) == [(52.0, 52)]

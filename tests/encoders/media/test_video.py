"""The right track at the right moment and the right way up, and one broken track does not cost the other."""

import os

import numpy as np
import pytest
from media_factory import BLUE, GREEN, RED, WHITE, clip, float_wav, sine, tone, turned
from timing_factory import (
    broadcast,
    cut_losslessly,
    ends_before_it_ends,
    joined,
    matrix,
    remuxed,
    two_sounds,
    vorbis,
    with_pcm,
)

from encoders import media
from encoders.base import MediaError
from encoders.media import Sampling, segmentation
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, FailedFile, FinishedFile, OpenedFile
from encoders.media.packet_timing import estimate_last_duration
from encoders.media.timestamp_resets import count_clock_resets
from encoders.media.video import DecordReader, has_same_times


def parts(path, **sampling):
    return list(media.read_segments(path, media.probe(path), Sampling(**sampling)))


def numbers(found):
    """(seconds, number) of each frame, by the grey of its middle."""
    pairs = [
        (t, f)
        for part in found
        if part.frames is not None
        for t, f in zip(part.frame_times, part.frames, strict=True)
    ]
    return [(t, round(float(f[f.shape[0] // 2, f.shape[1] // 2].mean()) / 4)) for t, f in pairs]


def pitch(sound, start, seconds=1.0):
    """Hz of the loudest tone in a stretch of a Sound."""
    piece = sound.samples[round(start * sound.sample_rate) : round((start + seconds) * sound.sample_rate)]
    return float(np.argmax(np.abs(np.fft.rfft(piece))) * sound.sample_rate / len(piece))


def corners(frame):
    return [tuple(int(v) for v in frame[y, x]) for y in (4, -5) for x in (4, -5)]


def assert_shown_on_time(found, fps, begin=0.0):
    """Every frame is the one of its moment, in a film that begins at `begin` of the numbered one."""
    shown = numbers(found)
    assert shown == [(t, round((t + begin) * fps)) for t, _ in shown]
    assert shown == sorted(shown)


# ---- time


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


# ---- tracks


def films(tmp_path):
    """A small film, a large one, and one between."""
    sizes = {"small": (96, 64), "large": (320, 240), "middle": (160, 120)}
    return [clip(tmp_path / f"{name}.mp4", seconds=4, size=size) for name, size in sizes.items()]


@pytest.mark.parametrize(("default", "width"), [(0, 96), (1, 320), (2, 160)])
@pytest.mark.parametrize("ending", ["mkv", "mp4"])
def test_the_default_film_of_several(tmp_path, ending, default, width):
    path = remuxed(tmp_path / f"all.{ending}", *films(tmp_path), default=default)
    assert media.probe(path).width == width
    (part,) = parts(path)
    assert part.frames.shape[2] == width


@pytest.mark.parametrize("ending", ["mkv", "mp4", "mov"])
def test_a_still_is_no_film_beside_one(tmp_path, ending):
    still = clip(tmp_path / "still.mp4", begins=[0], size=(400, 300))
    film = clip(tmp_path / "film.mp4", seconds=4, size=(96, 64), sound=4)
    path = remuxed(tmp_path / f"both.{ending}", still, film, default=0)
    found = media.probe(path)
    assert (found.width, found.duration) == (96, pytest.approx(4, abs=0.05))
    (part,) = parts(path)
    assert part.frames.shape == (4, 64, 96, 3) and part.audio is not None
    assert media.probe(still).width == 400


@pytest.mark.parametrize(("default", "hertz"), [(0, 440), (1, 1000)])
@pytest.mark.parametrize("ending", ["mka", "m4a"])
def test_the_default_sound_of_several(tmp_path, ending, default, hertz):
    (part,) = parts(two_sounds(tmp_path / f"two.{ending}", default=default))
    assert pitch(part.audio, 1) == hertz


# ---- turns


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


# ---- one broken track


def noise(packet):
    """As many bytes as a packet has, without any meaning."""
    return np.random.default_rng(packet.size).integers(0, 256, packet.size, np.uint8).tobytes()


def spoilt(path, source, kind):
    return remuxed(path, source, edit=lambda p: noise(p) if p.stream.type == kind else bytes(p))


def test_samples_that_are_not_finite_do_not_cost_the_pictures(tmp_path):
    samples = sine(40, 16000)[0]
    samples[16000 * 20] = np.nan
    path = with_pcm(tmp_path / "nan.mkv", clip(tmp_path / "film.mkv", seconds=40, fps=2), samples)
    found = parts(path)
    assert [len(part.frames) for part in found] == [8, 8, 8]
    assert [part.audio is not None for part in found] == [True, False, True]
    assert [part.incomplete_reason for part in found] == [
        None,
        "its sound can't be decoded at 15 s: its sound has samples that are not finite (NaN or infinite)",
        None,
    ]
    with pytest.raises(MediaError, match="not finite"):
        parts(float_wav(tmp_path / "nan.wav", samples))


@pytest.mark.parametrize("error", [RuntimeError("planes"), ValueError("layout"), AssertionError()])
def test_what_a_binding_raises_of_the_sound_does_not_cost_the_pictures(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    path = clip(tmp_path / "film.mp4", seconds=20, sound=20)
    monkeypatch.setattr(segmentation.AudioReader, "read_between", fail)
    (part,) = parts(path, segment_seconds=30)
    assert len(part.frames) == 8 and part.audio is None
    assert part.incomplete_reason.startswith("its sound can't be decoded at 0 s: ")
    monkeypatch.undo()
    monkeypatch.setattr(segmentation.VideoReader, "read_frames_at", fail)
    (part,) = parts(path, segment_seconds=30)
    assert part.frames is None and part.audio.duration == pytest.approx(20, abs=0.1)


def test_a_disk_that_fails_is_no_broken_sound(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(segmentation.AudioReader, "read_between", fail)
    with pytest.raises(OSError, match="Input/output"):
        parts(clip(tmp_path / "film.mp4", sound=2))


def test_sound_that_can_not_be_decoded(tmp_path):
    path = spoilt(tmp_path / "deaf.mkv", clip(tmp_path / "film.mp4", seconds=4, sound=4), "audio")
    (part,) = parts(path)
    assert len(part.frames) == 4 and part.audio is None
    assert part.incomplete_reason == "none of its sound can be decoded"


def test_a_film_without_decodable_pictures_is_its_sound(tmp_path):
    path = spoilt(tmp_path / "blind.mkv", clip(tmp_path / "film.mp4", seconds=4, sound=4), "video")
    found = media.probe(path)
    assert (found.modality, found.width, found.incomplete_reason) == (
        "audio",
        None,
        "its pictures can't be decoded",
    )
    (part,) = parts(path)
    assert part.frames is None and part.audio.duration == pytest.approx(4, abs=0.1)


def test_a_film_in_a_codec_nobody_knows_is_its_sound(tmp_path):
    for name, sound in (("mute.mkv", None), ("film.mkv", 2)):
        path = clip(tmp_path / name, sound=sound)
        path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_MPEGX/ISO/AVC"))
        if sound is None:
            with pytest.raises(MediaError, match="nothing in it can be decoded"):
                media.probe(path)
        else:
            found = media.probe(path)
            assert (found.modality, found.incomplete_reason) == ("audio", "its pictures can't be decoded")


def test_whole_files_are_not_said_to_be_incomplete(tmp_path):
    path = clip(tmp_path / "film.mp4", seconds=20, sound=20)
    assert media.probe(path).incomplete_reason is None
    assert [part.incomplete_reason for part in parts(path, segment_seconds=5)] == [None] * 4
    with DecoderPool(1) as pool:
        assert list(pool.read([path]))[-1] == FinishedFile(path)


def read_by(name, path):
    with DecoderPool(1, reader=f"misbehaving:{name}") as pool:
        return list(pool.read([path]))


@pytest.mark.parametrize("track", ["sound", "pictures"])
def test_a_decoder_that_dies_of_one_track_costs_that_track(tmp_path, track):
    path = clip(tmp_path / "film.mp4", seconds=40, sound=40)
    opened, *found, end = read_by(f"dies_of_{track}", path)
    assert isinstance(opened, OpenedFile) and all(isinstance(event, DecodedSegment) for event in found)
    assert [event.segment.start for event in found] == [0, 15, 30]
    assert end == FinishedFile(path, f"its {track} can't be decoded: decoder crashed (signal SIGSEGV)")
    after = found[-1].segment
    assert (after.audio is None, after.frames is None) == (track == "sound", track == "pictures")


def test_a_decoder_that_dies_of_both_tracks_costs_the_file(tmp_path):
    path = clip(tmp_path / "film.mp4", seconds=40, sound=40)
    events = read_by("dies_of_all", path)
    assert [type(event) for event in events] == [OpenedFile, DecodedSegment, FailedFile]
    assert events[-1].error.reason == "decoder crashed (signal SIGSEGV)"

"""One broken track does not cost the other."""

import os

import numpy as np
import pytest
from media_factory import clip, float_wav, sine
from media_reading import parts
from timing_factory import remuxed, with_pcm

from encoders import media
from encoders.base import MediaError
from encoders.media import DEFAULT_SAMPLING, Sampling, segmentation
from encoders.media.decoder_pool import DecodedSegment, DecoderPool, FailedFile, FinishedFile, OpenedFile


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


def read_by(name, path, sampling=DEFAULT_SAMPLING):
    with DecoderPool(1, sampling, reader=f"misbehaving:{name}") as pool:
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


def test_a_track_that_is_not_wanted_is_not_read_nor_after_a_crash_of_the_other(tmp_path):
    path = clip(tmp_path / "film.mp4", seconds=40, sound=40)
    sound_only = Sampling(skip_track="pictures")
    with DecoderPool(1, sound_only) as pool:
        _, *parts_of_sound, end = list(pool.read([path]))
    assert all(part.segment.frames is None and part.segment.audio for part in parts_of_sound)
    assert (len(parts_of_sound), end) == (3, FinishedFile(path))
    events = read_by("dies_of_sound", path, sound_only)
    assert [type(event) for event in events] == [OpenedFile, DecodedSegment, FailedFile]

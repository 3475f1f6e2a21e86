"""What is written for the demo and benchmarks, and the small pictures of its page."""

import numpy as np
import pytest
from media_factory import clip, photo, tone

from encoders import media
from encoders.media import Sampling
from retrieval.report.thumbnails import make_thumbnails
from retrieval.samples import sample_media
from retrieval.samples.media_writer import make_file_atomically, write_audio, write_video

RATE = 16000


def pictures(count):
    return (np.full((48, 64, 3), 8 * number % 256, np.uint8) for number in range(count))


def seconds_of_tone(count):
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) for _ in range(count))


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_clip_holds_what_was_written(tmp_path, ending):
    file = tmp_path / f"film.{ending}"
    write_video(file, pictures(60), 10, seconds_of_tone(6), RATE, {"preset": "ultrafast"})
    found = media.probe(file)
    assert (found.width, found.height, found.fps, found.sample_rate, found.channels) == (64, 48, 10, RATE, 1)
    assert found.duration == pytest.approx(6, abs=0.1)
    (part,) = media.read_segments(file, found, Sampling(fps=10, max_frames=None))
    assert np.abs(part.frames.mean(axis=(1, 2, 3))[:31] - 8 * np.arange(31)).max() < 8
    assert np.std(part.audio.samples) == pytest.approx(0.5 * np.sqrt(0.5), rel=0.02)


def test_a_clip_without_sound_and_one_without_pictures(tmp_path):
    write_video(tmp_path / "a.mp4", pictures(20), 10)
    assert media.probe(tmp_path / "a.mp4").sample_rate is None
    with pytest.raises(ValueError, match="needs a picture"):
        write_video(tmp_path / "b.mp4", [], 10)


def test_a_sound_is_written_to_the_sample(tmp_path):
    wave = np.concatenate([*seconds_of_tone(2)])[:30001]
    write_audio(tmp_path / "a.flac", wave, RATE)
    (part,) = media.read_segments(tmp_path / "a.flac", media.probe(tmp_path / "a.flac"))
    assert len(part.audio.samples) == 30001 and np.allclose(part.audio.samples, wave, atol=1e-4)


def test_what_is_interrupted_leaves_nothing(tmp_path):
    def stopped(file):
        assert file.suffix == ".mp4" and file.name.startswith(".")
        file.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_file_atomically(tmp_path / "a.mp4", stopped)
    assert not list(tmp_path.iterdir())


def test_gathering_goes_on_after_an_interrupt(tmp_path, monkeypatch):
    def stopped(source, file):
        file.write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("shutil.copyfile", stopped)
        sample_media.create_sample_media(tmp_path)
    sample_media.create_sample_media(tmp_path)
    assert all(media.probe(file) for file in tmp_path.iterdir())


def test_glimpses_are_the_segments_that_begin_there(tmp_path):
    way = Sampling(segment_seconds=5, max_frames=2)
    film = clip(tmp_path / "a.mp4", seconds=62, fps=5, sound=62)
    for file in (film, tone(tmp_path / "a.flac", seconds=62)):
        found = media.probe(file)
        wanted = {part.start: part for part in media.read_segments(file, found, way)}
        got = list(media.read_segments_at(file, found, [10.0, 55.0], way))
        assert [part.start for part in got] == [10, 55]
        for part in got:
            one = wanted[part.start]
            assert (part.end, part.frame_times) == (one.end, one.frame_times)
            if one.frames is None:
                assert np.array_equal(part.audio.samples, one.audio.samples)
            else:
                assert np.array_equal(part.frames, one.frames) and part.audio is None


def test_thumbnails_leave_out_what_cannot_be_read(tmp_path):
    film, still = clip(tmp_path / "a.mp4", seconds=40), photo(tmp_path / "b.jpg")
    heard = tone(tmp_path / "c.wav", seconds=20)
    wanted = [(film, 0.0), (film, 15.0), (still, 0.0), (heard, 0.0), (tmp_path / "gone.png", 0.0)]
    made = make_thumbnails(wanted, 15.0)
    assert set(made) == set(wanted[:4]) and made[film, 0.0] != made[film, 15.0]
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in made.values())
    assert make_thumbnails([], 15.0) == {}

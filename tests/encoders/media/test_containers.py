"""One film, sound or picture in other containers, and by both decoders."""

from functools import cache

import numpy as np
import pytest
from media_reading import SAMPLES, by_av, parts
from repository import DATA, require_data

read_sample = cache(parts)  # what the others are compared with
CLIPS = DATA / "av_clips/videos"


@pytest.mark.parametrize(
    "ending", ["avi", "f4v", "flv", "m4v", "mkv", "mov", "mpg", "vob", "webm", "wmv", "rm"]
)
def test_same_film_in_another_container(ending):
    reference, other = read_sample(SAMPLES / "video/demo.mp4"), parts(SAMPLES / f"video/demo.{ending}")
    assert len(other) == len(reference) == 4
    for one, two in zip(reference, other, strict=True):
        assert np.abs(one.frames.astype(int) - two.frames).mean() < 12
        assert two.frame_times == pytest.approx(one.frame_times, abs=0.1)
        assert two.audio.samples.std() == pytest.approx(one.audio.samples.std(), rel=0.1)


@pytest.mark.parametrize("ending", ["aac", "ac3", "aif", "mp3", "ogg", "opus", "wv"])
def test_same_sound_in_another_container(ending):
    (reference,), (other,) = read_sample(SAMPLES / "audio/demo.wav"), parts(SAMPLES / f"audio/demo.{ending}")
    n = min(len(reference.audio.samples), len(other.audio.samples))
    spectra = [np.abs(np.fft.rfft(part.audio.samples[:n])) for part in (reference, other)]
    assert np.corrcoef(*spectra)[0, 1] > 0.9


def test_same_picture_in_another_format():
    reference = parts(SAMPLES / "image/demo.png")[0].frames.astype(int)
    for ending in ("bmp", "jpg", "tif", "gif"):
        assert np.abs(parts(SAMPLES / f"image/demo.{ending}")[0].frames - reference).mean() < 8


@pytest.mark.slow
@pytest.mark.data
def test_real_clips_by_both_decoders():
    require_data("av_clips")
    found = sorted(CLIPS.glob("*"))[:6]
    for path in found:
        for one, two in zip(parts(path), by_av(path), strict=True):
            assert one.frame_times == pytest.approx(two.frame_times, abs=2e-3)
            assert np.abs(one.frames.astype(int) - two.frames).mean() < 1

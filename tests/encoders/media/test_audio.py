"""Sound of all formats and rates, alone and in films, above full scale, with an offset, short."""

import numpy as np
import pytest
from audio_reading import CALLS, NONE, RATE, channels_of, difference, sounds, whole
from media_factory import clip, float_wav, sine, tone
from media_reading import SAMPLES, parts, reason
from sound_factory import wav

from encoders import media
from encoders.logmel import is_audible


@pytest.mark.parametrize("gain", [3, 8, 1e4, 1e12])
@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_any_gain_is_the_same_sound(tmp_path, gain, dtype):
    path, plain = (wav(tmp_path / f"{g}.wav", g * CALLS, dtype=dtype) for g in (gain, 1))
    found, wanted = whole(path), whole(plain)
    assert np.abs(found).max() <= 1
    np.testing.assert_allclose(found / np.abs(found).max(), wanted / np.abs(wanted).max(), atol=1e-5)
    assert difference(path, plain) < 1e-2


def test_what_is_below_full_scale_is_not_scaled(tmp_path):
    path = wav(tmp_path / "low.wav", 0.9 * np.stack([CALLS, CALLS]))
    assert np.array_equal(whole(path), channels_of(path)[0])


SECONDS = np.arange(len(CALLS)) / RATE
OFFSETS = {
    "constant": 0.5,
    "a drift": np.linspace(-0.4, 0.4, len(CALLS)),
    "a slow wave": 0.4 * np.sin(2 * np.pi * 0.3 * SECONDS),
}


@pytest.mark.parametrize("dtype", ["<f4", "<i2"])
@pytest.mark.parametrize("kind", OFFSETS)
@pytest.mark.parametrize("level", [1, 0.1])
def test_an_offset_changes_nothing(tmp_path, kind, level, dtype):
    path = wav(tmp_path / "offset.wav", level * CALLS + OFFSETS[kind], dtype=dtype)
    plain = wav(tmp_path / "plain.wav", level * CALLS, dtype=dtype)
    assert difference(path, plain) < 0.3
    assert abs(float(whole(path).mean())) < 1e-3


@pytest.mark.parametrize("kind", OFFSETS)
@pytest.mark.parametrize("count", [1, 2])
def test_silence_with_an_offset_is_silence(tmp_path, kind, count):
    made = np.tile(NONE + OFFSETS[kind], (count, 1))
    made[-1] *= 0.5
    (sound,) = sounds(wav(tmp_path / "offset.wav", made, rate=16000))
    assert not is_audible(sound)


def test_a_slight_offset_is_left(tmp_path):
    path = wav(tmp_path / "slight.wav", CALLS + 0.01 * CALLS.std())
    assert np.array_equal(whole(path), channels_of(path)[0])


@pytest.mark.parametrize("count", [1, 3, 50, 700])
def test_the_shortest_sounds(tmp_path, count):
    path = wav(tmp_path / "short.wav", 0.3 * np.stack([CALLS[:count] + 0.2, -CALLS[:count]]), rate=16000)
    assert len(whole(path)) == count and np.isfinite(whole(path)).all()


def test_sound_in_a_part_of_the_film_only(tmp_path):
    path = clip(tmp_path / "part.mkv", seconds=45, fps=2, sound=11, at=18)
    first, second, third = parts(path)
    assert first.audio is None and third.audio is None
    quiet, loud = second.audio.samples[: 16000 * 2], second.audio.samples[16000 * 4 : 16000 * 14]
    assert np.abs(quiet).max() < 1e-3 and loud.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_an_mp4_with_sound_only_is_audio(tmp_path):
    path = tone(tmp_path / "song.mp4", seconds=3, rate=44100)
    assert media.probe(path).modality == "audio"
    (part,) = parts(path)
    assert part.frames is None and part.frame_times == () and part.audio.duration == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("ending", ["wav", "mp3", "flac", "opus", "m4a", "aac"])
def test_sound_formats(tmp_path, ending):
    rate = 48000 if ending == "opus" else 44100
    path = tone(tmp_path / f"tone.{ending}", seconds=20.5, rate=rate, layout="stereo")
    found = media.probe(path)
    assert (found.modality, found.channels, found.width) == ("audio", 2, None)
    one, two = parts(path)
    assert one.audio.duration == 15 and two.audio.duration == pytest.approx(5.5, abs=0.15)
    both = np.concatenate([one.audio.samples, two.audio.samples])
    middle = both[16000 * 10 : 16000 * 20]  # over the cut: the sine must go on without a seam
    assert np.argmax(np.abs(np.fft.rfft(middle))) == 4400
    assert middle.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("rate", [8000, 22050, 96000])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_rates_and_layouts(tmp_path, rate, layout):
    (part,) = parts(tone(tmp_path / "tone.wav", rate=rate, layout=layout, level=0.9))
    samples = part.audio.samples
    assert samples.dtype == np.float32 and len(samples) == 16000
    assert np.abs(samples[2000:14000] - sine(1, 16000, level=0.9)[0, 2000:14000]).max() < 0.02


def test_samples_above_full_scale_are_scaled(tmp_path):
    (part,) = parts(float_wav(tmp_path / "loud.wav", 3 * sine(1, 16000)[0]))
    assert np.abs(part.audio.samples).max() == 1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite(tmp_path, value):
    samples = sine(1, 16000)[0]
    samples[5000] = value
    assert "not finite" in reason(float_wav(tmp_path / "bad.wav", samples))


def test_cover_art_is_no_film():
    path = SAMPLES / "audio/withcover.mp3"
    assert media.probe(path).modality == "audio"
    assert parts(path)[0].frames is None

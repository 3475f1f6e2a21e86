"""Any number of channels, and channels that cancel each other, become one."""

import av
import numpy as np
import pytest
from audio_reading import CALLS, NONE, RATE, READ, channels_of, difference, whole
from media_factory import card
from sound_factory import encoded, late, wav

from encoders import media
from encoders.media.audio import select_audible_channels
from encoders.media.downmix import downmix

NOISE = np.random.default_rng(7).normal(0, 0.1, (2, len(CALLS)))


@pytest.mark.parametrize(
    ("ending", "codec", "layout"),
    [
        ("wav", "pcm_s16le", "7.1"),
        ("wav", "pcm_s24le", "7.1(wide)"),
        ("wav", "pcm_u8", "octagonal"),
        ("wav", "pcm_s32le", "hexadecagonal"),
        ("wav", "pcm_f64le", "22.2"),
        ("mkv", "pcm_f32le", "hexadecagonal"),
        ("flac", "flac", "7.1"),
        ("opus", "libopus", "7.1"),
        ("mp4", "aac", "7.1"),
        ("mov", "aac", "7.1(wide)"),
        ("mkv", "aac", "hexadecagonal"),
        ("m4a", "alac", "7.1(wide)"),
        ("wv", "wavpack", "7.1"),
        ("nut", "pcm_s16le_planar", "7.1"),
    ],
)
def test_eight_and_more_channels(tmp_path, ending, codec, layout):
    count = av.AudioLayout(layout).nb_channels
    path = encoded(tmp_path / f"many.{ending}", np.tile(CALLS, (count, 1)), codec, layout)
    assert media.probe(path).channels == count
    assert difference(path, wav(tmp_path / "mono.wav", CALLS)) < 1.5
    assert np.abs(whole(path)).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("count", [9, 33, 64, 65, 255])
@pytest.mark.parametrize("dtype", ["<i2", "<i8", "<f8"])
def test_channels_without_a_layout(tmp_path, count, dtype):
    sound = CALLS[: RATE // 3]
    path = wav(tmp_path / "raw.wav", np.tile(sound, (count, 1)), dtype=dtype)
    mono = wav(tmp_path / "mono.wav", sound, dtype=dtype)
    assert np.abs(whole(path) - whole(mono)).max() < 1e-4


@pytest.mark.parametrize(
    ("ending", "layout"), [("mp4", "7.1"), ("mkv", "hexadecagonal"), ("mov", "7.1(wide)")]
)
def test_a_film_with_many_channels_keeps_both(tmp_path, ending, layout):
    count = av.AudioLayout(layout).nb_channels
    pictures = [card(grey=4 * at) for at in range(40)]
    path = encoded(tmp_path / f"film.{ending}", np.tile(CALLS, (count, 1)), "aac", layout, pictures=pictures)
    (part,) = media.read_segments(path, media.probe(path), READ)
    assert len(part.frames) >= 4 and part.audio.samples.std() == pytest.approx(CALLS.std(), rel=0.1)


def test_which_channels_are_heard():
    assert select_audible_channels(("FL", "FR", "FC", "LFE", "BL", "BR")) == [0, 1, 2, 4, 5]
    assert select_audible_channels(("AMBI0", "AMBI1", "AMBI2", "AMBI3")) == [0]
    assert select_audible_channels(("LFE",)) == [0] and select_audible_channels(("NONE", "NONE")) == [0, 1]


def test_ambisonics_from_any_side(tmp_path):
    """Behind the listener all but the first channel are of opposite phase."""
    behind = np.stack([CALLS, NONE, NONE, -CALLS, *[NONE] * 5])
    options = {"mapping_family": "2"}
    path = encoded(tmp_path / "ambisonic.opus", behind, "libopus", "ambisonic 2", options=options)
    assert difference(path, wav(tmp_path / "mono.wav", CALLS)) < 1.5


CANCELLING = {
    "opposite": [CALLS, -CALLS],
    "opposite, quieter and late": [CALLS, -0.9 * late(CALLS, 0.5)],
    "opposite and late": [CALLS, -late(CALLS, 0.1)],
    "late by .1 ms": [CALLS, late(CALLS, 0.1)],
    "late by .2 ms": [CALLS, late(CALLS, 0.2)],
    "late by .5 ms": [late(CALLS, 0.5), CALLS],
    "opposite surrounds": [NONE, NONE, NONE, NONE, CALLS, -CALLS],
    "eight, every second opposite": [CALLS, -CALLS] * 4,
    "flips in the middle": [CALLS, np.where(np.arange(len(CALLS)) < len(CALLS) / 2, CALLS, -CALLS)],
    "with offsets": [0.5 * CALLS + 0.5, -0.5 * CALLS - 0.2],
}


@pytest.mark.parametrize("kind", CANCELLING)
def test_channels_that_cancel_sound_as_one_of_them(tmp_path, kind):
    path = wav(tmp_path / "cancels.wav", np.stack(CANCELLING[kind]))
    assert difference(path, wav(tmp_path / "mono.wav", CALLS)) < 0.5


HELD = {
    "equal": [CALLS, CALLS],
    "one is silent": [CALLS, NONE],
    "nothing in common": list(NOISE),
    "wide": [CALLS + NOISE[0], 0.6 * CALLS + NOISE[1]],
    "in quadrature": [CALLS, np.fft.irfft(np.fft.rfft(CALLS) * 1j, len(CALLS))],
    "one is hum": [CALLS, 0.1 * np.sin(2 * np.pi * 50 * np.arange(len(CALLS)) / RATE)],
    "an echo": [CALLS + NOISE[0], late(CALLS, 30)],
}


@pytest.mark.parametrize("kind", HELD)
def test_others_are_their_mean_to_the_bit(tmp_path, kind):
    path = wav(tmp_path / "stereo.wav", np.stack(HELD[kind]))
    assert np.array_equal(whole(path), channels_of(path).mean(axis=0))


def test_a_quiet_front_does_not_hide_opposite_surrounds(tmp_path):
    made = np.stack([*0.005 * NOISE, NONE, NONE, CALLS, -CALLS])
    front = wav(tmp_path / "front.wav", made[:4])
    found, missed = (whole(path).std() for path in (wav(tmp_path / "all.wav", made), front))
    assert found > 10 * missed


def test_a_flip_makes_no_click():
    rate = 16000
    sine = np.sin(2 * np.pi * 440 * np.arange(6 * rate) / rate).astype(np.float32)
    flips = np.where((np.arange(6 * rate) // (2 * rate)) % 2, -sine, sine)
    made = downmix(np.stack([sine, flips]), rate)
    assert np.abs(np.diff(made)).max() <= np.abs(np.diff(sine)).max() * 1.01
    assert made.std() == pytest.approx(sine.std(), rel=0.05)


@pytest.mark.parametrize("kind", ["opposite, quieter and late", "flips in the middle"])
def test_the_same_whole_and_sought(tmp_path, kind):
    made = np.concatenate([np.stack(CANCELLING[kind])] * 9, axis=1)  # 36 s
    path = wav(tmp_path / "long.wav", made, rate=16000)
    found = media.probe(path)
    one, two, *_ = media.read_segments(path, found, READ)
    (again,) = media.read_segments_at(path, found, [two.start], READ)
    assert np.array_equal(again.audio.samples, two.audio.samples)
    assert one.audio.samples.std() == pytest.approx(two.audio.samples.std(), rel=0.1)


@pytest.mark.parametrize("size", ["512", "4608"])
def test_how_the_stream_is_cut_into_frames_changes_nothing(tmp_path, size):
    made = np.stack(CANCELLING["flips in the middle"]) + 0.1
    path = encoded(tmp_path / "cut.flac", made, "flac", "stereo", options={"frame_size": size})
    other = encoded(tmp_path / "other.flac", made, "flac", "stereo", options={"frame_size": "1024"})
    assert np.array_equal(whole(path), whole(other))

"""Acoustic features of synthetic sounds whose pitch, rhythm, key and roughness are given."""

import numpy as np
import pytest

from encoders.acoustic import features, spectrum
from encoders.base import Audio
from encoders.registry import ENCODERS

RATE = 16000


def sound(samples, rate=RATE):
    return Audio(samples=np.asarray(samples, np.float32), sample_rate=rate)


def voice(hertz, seconds=1.0, rate=RATE):
    """Harmonics that fall off by 1 / n, gliding or not: `hertz` is a number or (n,) of them."""
    track = np.broadcast_to(hertz, round(seconds * rate))
    phase = 2 * np.pi * np.cumsum(track) / rate
    return 0.1 * sum(np.sin(n * phase) / n * (n * track < 0.45 * rate) for n in range(1, 20))


def notes(*midi, seconds=0.5):
    return np.concatenate([voice(440 * 2 ** ((note - 69) / 12), seconds) for note in midi])


def kinds(samples, rate=RATE):
    return features.compute_feature_groups(sound(samples, rate))


@pytest.mark.parametrize("hertz", [80, 147, 260, 600])
def test_pitch_is_found_in_semitones(hertz):
    values = kinds(voice(hertz))["pitch"]
    assert values[0] == pytest.approx(12 * np.log2(hertz), abs=0.1)  # mean
    assert values[1] < 0.3 and values[16] > 0.9  # spread, share of frames with a voice


def test_noise_has_no_pitch_and_a_glide_rises():
    hiss = np.random.default_rng(0).normal(0, 0.1, RATE)
    assert kinds(hiss)["pitch"][:17].tolist() == [0] * 17
    up = kinds(voice(np.geomspace(120, 240, RATE)))["pitch"]
    assert up[7] == pytest.approx(12, abs=1) and kinds(voice(np.geomspace(240, 120, RATE)))["pitch"][7] < -11


def test_a_major_scale_is_major_and_a_minor_one_minor():
    major, minor = (60, 64, 67, 72, 65, 69, 60), (60, 63, 67, 72, 65, 68, 60)
    assert kinds(notes(*major))["harmony"][3] > 0 > kinds(notes(*minor))["harmony"][3]


def test_beats_are_counted():
    rng = np.random.default_rng(0)
    clicks = rng.normal(0, 1e-4, 4 * RATE)
    for start in range(RATE // 4, 4 * RATE, RATE // 2):  # two a second
        clicks[start : start + 800] += rng.normal(0, 0.3, 800) * np.exp(-np.arange(800) / 200)
    values = kinds(clicks)["rhythm"]
    assert values[5] == pytest.approx(2, abs=0.3)  # onsets a second
    assert values[8] > 0.6 and 2 ** values[9] == pytest.approx(0.5, abs=0.03)  # clarity, seconds a beat


def test_a_scream_is_rougher_than_a_song():
    flutter = 1 + 0.9 * np.sin(2 * np.pi * 60 * np.arange(RATE) / RATE)
    assert kinds(voice(440) * flutter)["roughness"][1] > kinds(voice(440))["roughness"][1] + 3


def test_a_voice_pressed_and_a_voice_breathed_differ_in_tilt():
    at = np.arange(RATE) / RATE
    soft = 0.1 * np.sin(2 * np.pi * 200 * at) + 0.005 * np.sin(2 * np.pi * 400 * at)
    assert kinds(soft)["voice"][0] > 20 > kinds(voice(200))["voice"][0]


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_neither_gain_nor_rate_changes_the_pitch(rate):
    swelling = voice(200, rate=rate) * (0.5 + 0.4 * np.sin(2 * np.pi * 3.3 * np.arange(rate) / rate))
    loud, quiet = kinds(swelling, rate), kinds(swelling * 0.01, rate)
    for kind in loud:
        assert loud[kind] == pytest.approx(quiet[kind], abs=2e-2)
    assert loud["pitch"][0] == pytest.approx(12 * np.log2(200), abs=0.1)


@pytest.mark.parametrize("seconds", [0.025, 0.1, 0.3, 1.0])
def test_short_sounds_and_single_clicks_are_finite(seconds):
    encoder = ENCODERS.make("tone")
    click = np.zeros(round(RATE * seconds), np.float32)
    click[len(click) // 2] = 0.9
    late = np.roll(click, len(click) // 2 - 1 + len(click) % 2)  # in the very last frame
    clipped = np.clip(20 * voice(200, seconds), -1, 1)
    rows = encoder.encode([sound(one) for one in (click, late, clipped, np.zeros(RATE), [np.nan] * RATE)])
    assert np.isfinite(rows[:3]).all() and np.isnan(rows[3:]).all()


def test_minutes_are_read_in_blocks(monkeypatch):
    samples = voice(np.geomspace(150, 250, 3 * RATE), 3)
    whole = kinds(samples)
    monkeypatch.setattr(spectrum, "BLOCK_FRAMES", 100)
    parts = kinds(samples)
    assert parts["bands"] == pytest.approx(whole["bands"], abs=1e-3)
    assert parts["pitch"][:2] == pytest.approx(whole["pitch"][:2], abs=0.2)
    assert parts["harmony"] == pytest.approx(whole["harmony"], abs=1e-3)


def test_windows_cover_the_sound_every_half_second():
    heard = sound(np.arange(round(4.2 * RATE)) / 1e6)
    parts, starts = features.split_sliding_windows(heard)
    assert starts.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert [round(part.duration, 2) for part in parts] == [1.75, 2.25, 2.75, 3, 3, 2.95, 2.45, 1.95, 1.45]
    assert parts[3].samples[0] == pytest.approx(0.25 * RATE / 1e6, rel=1e-3)
    assert len(features.split_sliding_windows(sound(np.ones(10)))[0]) == 1


def test_sounds_side_by_side_keep_their_order_and_torch_its_threads():
    import torch

    encoder, before = ENCODERS.make("tone"), torch.get_num_threads()
    items = [sound(voice(100 + 20 * number, 0.3 + 0.1 * (number % 4))) for number in range(12)]
    items[5] = sound(np.zeros(RATE))
    together, alone = encoder.encode(items), np.concatenate([encoder.encode([one]) for one in items])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-3)
    assert np.isnan(together[5]).all() and torch.get_num_threads() == before
    assert encoder.encode([]).shape == (0, encoder.card.dim)

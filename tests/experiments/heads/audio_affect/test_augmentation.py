import numpy as np
import pytest
from audio_clips_factory import RATE, tone

from encoders.base import Audio
from encoders.registry import ENCODERS
from experiments.heads.audio_affect.augmentation import (
    AUGMENTATIONS,
    SPEED_FACTORS,
    add_noise,
    add_reverb,
    change_speed,
    crop_excerpt,
    equalise,
    filter_telephone_band,
)
from experiments.heads.audio_affect.clips import KINDS
from experiments.heads.audio_affect.synthetic_noise import make_noises


def test_alterations_do_what_they_say():
    rng, plain = np.random.default_rng(0), tone()
    assert change_speed(plain, rng).sample_rate / RATE in SPEED_FACTORS
    gap = add_noise(plain, rng, 20, 20).samples - plain.samples
    assert 20 * np.log10(plain.samples.std() / gap.std()) == pytest.approx(20, abs=0.5)
    assert crop_excerpt(plain, rng, 0.5, 0.5).duration == 0.5 and crop_excerpt(plain, rng, 3, 4) is plain
    for alter in (equalise, add_reverb, filter_telephone_band):
        other = alter(plain, rng)
        assert other.samples.shape == plain.samples.shape and not np.allclose(other.samples, plain.samples)
    late = Audio(samples=np.concatenate([np.zeros(RATE, np.float32), plain.samples]), sample_rate=RATE)
    assert all(
        np.abs(crop_excerpt(late, rng, 0.2, 0.3).samples).max() > 0.5 for _ in range(20)
    )  # never the silence


def test_a_telephone_leaves_its_band_alone():
    rng, hertz = np.random.default_rng(0), (100, 1000, 7000)
    at = np.arange(2 * RATE) / RATE
    plain = Audio(
        samples=sum(np.sin(2 * np.pi * one * at) for one in hertz).astype(np.float32), sample_rate=RATE
    )
    spectrum = np.abs(np.fft.rfft(filter_telephone_band(plain, rng).samples)) / RATE
    low, middle, high = (spectrum[2 * one] for one in hertz)
    assert middle == pytest.approx(1, rel=1e-3) and max(low, high) < 0.01


def test_drawn_noises_are_the_same_again_and_all_audible():
    first, again = make_noises(12, 3), make_noises(12, 3)
    assert all(np.array_equal(one.samples, two.samples) for one, two in zip(first, again, strict=True))
    rows = ENCODERS.make("tone").encode(first)
    assert np.isfinite(rows).all() and set(AUGMENTATIONS) == {*KINDS, "voice", "tune"}

"""Augmented copies of clips, for rooms, microphones and speakers that were not recorded.

Speed (Ko et al. 2015, "Audio augmentation for speech recognition"), an equaliser, reverberation, noise, a
telephone band, an excerpt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.signal import fftconvolve

from encoders import Audio
from experiments.heads.speed_perturbation import perturb_speed

AUGMENTATION_VERSION = 1  # raise it when the same seed would make other copies
TELEPHONE_BAND_HZ = 300.0, 3400.0
SPEED_FACTORS = (0.875, 0.90625, 0.9375, 1.0625, 1.09375, 1.125)
DETUNE_FACTORS = (0.96875, 0.984375, 1.015625, 1.03125)  # up to half a semitone

Augmentation = Callable[[Audio, np.random.Generator], Audio]


def change_speed(audio: Audio, rng: np.random.Generator) -> Audio:
    """Faster or slower by up to an eighth, with the pitch."""
    return perturb_speed(audio, rng, SPEED_FACTORS)


def detune(audio: Audio, rng: np.random.Generator) -> Audio:
    """Faster or slower by up to half a semitone, for music."""
    return perturb_speed(audio, rng, DETUNE_FACTORS)


def equalise(audio: Audio, rng: np.random.Generator, spread_db: float = 4.0) -> Audio:
    """Filtered by a smooth random response with a standard deviation of `spread_db` at each octave."""
    hertz = np.fft.rfftfreq(len(audio.samples), 1 / audio.sample_rate)
    knots = np.linspace(np.log2(60), np.log2(8000), 7)
    gain = np.interp(np.log2(np.maximum(hertz, 1)), knots, rng.normal(0, spread_db, len(knots)))
    spectrum = np.fft.rfft(audio.samples) * 10 ** (gain / 20)
    return replace(audio, samples=np.fft.irfft(spectrum, len(audio.samples)).astype(np.float32))


def add_noise(
    audio: Audio, rng: np.random.Generator, min_snr_db: float = 12.0, max_snr_db: float = 35.0
) -> Audio:
    """With noise, white to pink, at a signal-to-noise ratio of `min_snr_db` to `max_snr_db`."""
    spectrum = np.fft.rfft(rng.normal(size=len(audio.samples)))
    spectrum /= np.maximum(np.fft.rfftfreq(len(audio.samples)), 1e-3) ** rng.uniform(0, 0.5)
    noise = np.fft.irfft(spectrum, len(audio.samples))
    gain = np.std(audio.samples) / np.std(noise) * 10 ** (-rng.uniform(min_snr_db, max_snr_db) / 20)
    return replace(audio, samples=(audio.samples + gain * noise).astype(np.float32))


def add_reverb(audio: Audio, rng: np.random.Generator) -> Audio:
    """Reverberated by exponentially decaying noise of .15 to .5 s."""
    size = round(audio.sample_rate * rng.uniform(0.15, 0.5))
    tail = rng.normal(size=size) * np.exp(-6.9 * np.arange(size) / size)
    room = fftconvolve(audio.samples, tail / np.sqrt((tail**2).sum()))[: len(audio.samples)]
    return replace(audio, samples=(audio.samples + rng.uniform(0.1, 0.3) * room).astype(np.float32))


def crop_excerpt(
    audio: Audio, rng: np.random.Generator, min_seconds: float = 1.0, max_seconds: float = 2.5
) -> Audio:
    """An excerpt of `min_seconds` to `max_seconds` around a time that is not silent."""
    size, step = round(audio.sample_rate * rng.uniform(min_seconds, max_seconds)), audio.sample_rate // 10
    if len(audio.samples) <= size:
        return audio
    loud = np.add.reduceat(np.abs(audio.samples), np.arange(0, len(audio.samples), step))
    middle = int(rng.choice(np.flatnonzero(loud >= 0.1 * loud.max()))) * step
    start = min(max(middle - size // 2, 0), len(audio.samples) - size)
    return replace(audio, samples=audio.samples[start : start + size])


def add_loud_noise(audio: Audio, rng: np.random.Generator) -> Audio:
    """With noise at a signal-to-noise ratio of 3 to 15 dB."""
    return add_noise(audio, rng, 3, 15)


def filter_telephone_band(audio: Audio, rng: np.random.Generator) -> Audio:
    """Filtered to a telephone's band, its edges up to a fifth off, 60 dB down an octave beyond."""
    hertz = np.maximum(np.fft.rfftfreq(len(audio.samples), 1 / audio.sample_rate), 1)
    low, high = np.array(TELEPHONE_BAND_HZ) * rng.uniform(0.8, 1.2, 2)
    beyond = np.maximum(np.log2(low / hertz), 0) + np.maximum(np.log2(hertz / high), 0)
    spectrum = np.fft.rfft(audio.samples) * 10 ** (-np.minimum(60 * beyond, 60) / 20)
    return replace(audio, samples=np.fft.irfft(spectrum, len(audio.samples)).astype(np.float32))


def crop_passage(audio: Audio, rng: np.random.Generator) -> Audio:
    """An excerpt of 3 to 6 s, for music."""
    return crop_excerpt(audio, rng, 3.0, 6.0)


AUGMENTATIONS: dict[str, tuple[tuple[Augmentation, ...], ...]] = {
    "speech": (
        (change_speed,),
        (change_speed,),
        (equalise, change_speed),
        (equalise, add_noise, change_speed),
        (add_reverb, equalise, change_speed),
        (crop_excerpt, equalise, change_speed),
    ),
    "music": (
        (equalise, detune),
        (add_reverb, equalise),
        (crop_passage, equalise, detune),
        (crop_passage, equalise),
    ),
    "other": ((equalise, change_speed), (crop_excerpt,), (filter_telephone_band, change_speed)),
    "voice": (
        (filter_telephone_band, change_speed),
        (equalise, add_noise, change_speed),
        (add_loud_noise, equalise),
        (add_reverb, equalise, change_speed),
        (crop_excerpt, equalise, add_loud_noise),
        (add_reverb, filter_telephone_band, add_noise),
    ),
    "tune": (
        (equalise, detune),
        (add_reverb, filter_telephone_band),
        (crop_passage, equalise, add_loud_noise),
        (crop_passage, filter_telephone_band),
    ),
}
"""Chains of augmentations by kind of clip, one chain a copy; "voice" and "tune" are of Debian packages."""

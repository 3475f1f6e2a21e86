"""Synthetic noises and hums: sounds that are neither speech nor music."""

from __future__ import annotations

import numpy as np

from encoders import Audio

SAMPLE_RATE_HZ = 16000
N_NOISES = 90


def make_noises(count: int, seed: int) -> list[Audio]:
    """Noise of .1 to 4 s, from blue to brown, a third swelling and a third clipped; a quarter are hums."""
    rng, noises = np.random.default_rng(seed), []
    for number in range(count):
        size = round(SAMPLE_RATE_HZ * 2 ** rng.uniform(-3.3, 2))
        slope = rng.uniform(-0.5, 2)
        spectrum = np.fft.rfft(rng.normal(size=size)) / np.maximum(np.fft.rfftfreq(size), 1e-3) ** slope
        samples = np.fft.irfft(spectrum, size)
        seconds = np.arange(size) / SAMPLE_RATE_HZ
        if number % 4 == 0:
            samples = np.sin(2 * np.pi * 2 ** rng.uniform(5.5, 12) * seconds) + rng.uniform(0, 0.2) * samples
        if number % 3 == 0:
            samples = samples * (1.05 + np.sin(2 * np.pi * 2 ** rng.uniform(-1, 4) * seconds))
        samples = samples / np.abs(samples).max()
        if number % 3 == 1:
            samples = np.clip(samples * rng.uniform(2, 20), -1, 1)
        noises.append(Audio(samples=(0.3 * samples).astype(np.float32), sample_rate=SAMPLE_RATE_HZ))
    return noises

"""Loudness contour, amplitude modulation and roughness."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from encoders.acoustic.functionals import QUANTILES, compute_quantiles, smooth
from encoders.acoustic.spectrum import EPSILON, FRAME_RATE_HZ, SAMPLE_RATE_HZ, Array

MODULATION_EDGES_HZ = (0.5, 1, 2, 4, 8, 16, 25)  # Hz, of the loudness envelope
ROUGHNESS_EDGES_HZ = (
    20,
    40,
    75,
    150,
    300,
)  # Hz, of the amplitude; screams have 30 to 150 (Arnal et al. 2015)
PEAK_LEVEL_DB = -25  # dB under the loudest frame, above which a maximum counts as a peak
ENVELOPE_HOP_SAMPLES = 16  # samples: the amplitude at 1 kHz
ROUGHNESS_WINDOW_SAMPLES = SAMPLE_RATE_HZ // 2  # samples: half a second
MIN_RELATIVE_LEVEL = 0.3  # of the mean level: quieter windows don't count for roughness


def compute_loudness_features(loudness: Array, active: npt.NDArray[np.bool_]) -> Array:
    """Level statistics, rise and fall, share of active frames, peaks a second, modulation by band; (20,).

    loudness: (n,) dB under the loudest frame
    active:   (n,) frames that are no pause
    """
    inside = loudness[active]
    seconds = len(loudness) / FRAME_RATE_HZ
    steps = np.diff(loudness, prepend=loudness[:1])
    rises, falls = steps[steps > 0], -steps[steps < 0]
    levels = [
        inside.mean(),
        inside.std(),
        *compute_quantiles(inside, QUANTILES),
        *compute_quantiles(loudness, (0.05, 0.2)),
        rises.mean() if len(rises) else 0,
        falls.mean() if len(falls) else 0,
        active.mean(),
        _count_peaks(loudness) / max(seconds, 0.1),
        np.log2(max(seconds, 0.05)),
    ]
    thirds = np.array_split(loudness, 3)
    levels += (
        [thirds[0].mean() - loudness.mean(), thirds[2].mean() - loudness.mean()]
        if len(loudness) > 3
        else [0, 0]
    )
    modulation = compute_modulation_spectrum(10 ** (loudness[None] / 20), FRAME_RATE_HZ, MODULATION_EDGES_HZ)
    return np.concatenate([levels, modulation[0]])


def _count_peaks(loudness: Array) -> np.integer:
    """Number of local maxima of the smoothed contour (n,)."""
    contour = smooth(loudness, np.hanning(5))
    peaks = (contour[1:-1] > contour[:-2]) & (contour[1:-1] >= contour[2:]) & (contour[1:-1] > PEAK_LEVEL_DB)
    return peaks.sum()


def compute_modulation_spectrum(
    envelopes: npt.NDArray[np.floating], sample_rate: float, edges: Sequence[float]
) -> Array:
    """ln of the power of envelopes (n, t) between consecutive Hz (n, bands), by their squared means."""
    mean, count = envelopes.mean(axis=1, keepdims=True), envelopes.shape[1]
    size = max(count, 64)
    spectrum = np.fft.rfft((envelopes - mean) * np.hanning(count), size)
    power = spectrum.real**2 + spectrum.imag**2
    bounds = np.searchsorted(np.fft.rfftfreq(size, 1 / sample_rate), edges)
    sums = np.stack([power[:, low:high].sum(axis=1) for low, high in pairwise(bounds)], axis=1)
    return np.log(sums / (count**2 * np.maximum(mean**2, EPSILON)) + 1e-7)


def compute_roughness_features(samples: Array) -> Array:
    """Mean and spread (8,) over half seconds of ln of the amplitude's power at 20 to 300 Hz."""
    window, hop = ROUGHNESS_WINDOW_SAMPLES, ENVELOPE_HOP_SAMPLES
    padded = np.pad(samples, (0, -len(samples) % window)) if len(samples) < window else samples
    count = len(padded) // window
    envelope = np.abs(padded[: count * window]).reshape(-1, hop) @ np.full(hop, 1 / hop, np.float32)
    envelope = envelope.reshape(count, window // hop)
    level = envelope.mean(axis=1)
    modulation = compute_modulation_spectrum(
        envelope[level >= level.mean() * MIN_RELATIVE_LEVEL], SAMPLE_RATE_HZ / hop, ROUGHNESS_EDGES_HZ
    )
    return np.concatenate([modulation.mean(axis=0), modulation.std(axis=0)])

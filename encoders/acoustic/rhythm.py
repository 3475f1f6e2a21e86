"""Rhythm: onsets of the mel spectrum, pulse clarity and tempo by autocorrelation."""

from __future__ import annotations

import numpy as np

from encoders.acoustic.functionals import compute_quantiles, compute_skewness, smooth
from encoders.acoustic.spectrum import EPSILON, FRAME_RATE_HZ, Array

BEAT_PERIOD_RANGE_SECONDS = 0.25, 1.5  # seconds from beat to beat
MIN_FRAMES = 10  # frames: shorter sound has no rhythm, all features are 0
DEFAULT_BEAT_SECONDS = 0.5  # seconds, of sound shorter than the shortest beat


def compute_rhythm_features(mel_levels: Array) -> Array:
    """Onset strength (5), onsets a second, their strength (2), pulse clarity, log2 of the beat, skewness.

    mel_levels: (n, bands) dB
    """
    flux = np.maximum(np.diff(mel_levels, axis=0), 0).mean(axis=1)
    if len(flux) < MIN_FRAMES:
        return np.zeros(11, np.float32)
    local_mean = smooth(flux, np.ones(15))
    is_onset = (flux[1:-1] > flux[:-2]) & (flux[1:-1] >= flux[2:]) & (flux[1:-1] > 1.5 * local_mean[1:-1] + 1)
    clarity, beat_seconds = _estimate_beat(flux)
    strength = flux[1:-1][is_onset]
    return np.array(
        [
            flux.mean(),
            flux.std(),
            *compute_quantiles(flux, (0.5, 0.9, 0.98)),
            is_onset.sum() / (len(flux) / FRAME_RATE_HZ),
            strength.mean() if len(strength) else 0,
            strength.std() if len(strength) else 0,
            clarity,
            np.log2(beat_seconds),
            float(compute_skewness(flux[:, None])[0]),
        ]
    )


def _estimate_beat(flux: Array) -> tuple[float, float]:
    """Pulse clarity and seconds a beat: the highest peak of the autocorrelation of the flux (n,)."""
    centred = flux - flux.mean()
    size = 1 << (2 * len(centred) - 1).bit_length()
    autocorrelation = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2)[: len(centred)]
    autocorrelation = autocorrelation / max(float(autocorrelation[0]), EPSILON)
    first, last = (round(seconds * FRAME_RATE_HZ) for seconds in BEAT_PERIOD_RANGE_SECONDS)
    candidates = autocorrelation[first : last + 1]
    if not len(candidates):
        return 0.0, DEFAULT_BEAT_SECONDS
    return float(candidates.max()), (int(candidates.argmax()) + first) / FRAME_RATE_HZ

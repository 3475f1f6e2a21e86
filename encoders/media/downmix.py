"""Downmix of channels to mono: their mean, or another combination where they cancel in the mean.

Channels of opposite phase, or with a delay, cancel in the mean, in all of the spectrum or in parts of it.
The powers in bands of a third of an octave show it, first over the whole sound, then per second.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from encoders.base import Rows

MIN_BAND_HZ = 100.0  # Hz, lower edge of the first band
WINDOW_SECONDS = 0.064  # seconds
MIN_AUDIBLE_POWER_RATIO = 1e-4  # bands within 40 dB of the strongest count
LOST_POWER_RATIO = 0.35  # of the power that uncorrelated channels would have in the mean
# Share of bands lost over the whole sound: one octave (a channel delayed by .1 to 5 ms) is more.
MAX_LOST_SHARE_OVERALL = 0.1
# Share of bands lost in one second: no measured recording has as many by chance.
MAX_LOST_SHARE_PER_SECOND = 0.4
FADE_SECONDS = 0.02  # seconds from one combination to the next

Floats = npt.NDArray[np.float64]


def downmix(channels: Rows, sample_rate: int) -> Rows:
    """(c, n) to (n,): the mean, or other combinations for the seconds in which channels cancel in the mean.

    A band is lost if its power is below LOST_POWER_RATIO, 4.6 dB under that of uncorrelated channels. The
    mean is used unless more than MAX_LOST_SHARE_OVERALL of the bands are lost over all, or
    MAX_LOST_SHARE_PER_SECOND in one second. Then the combination that loses least is used: the mean, the mean
    with some signs flipped, or the strongest channel alone.
    """
    mean = np.asarray(channels.mean(axis=0), np.float32)
    peak = np.abs(channels).max(initial=0)
    if (channels == channels[0]).all() or not 0 < peak < np.inf:
        return mean
    edges = np.append(np.arange(max(channels.shape[1] // sample_rate, 1)) * sample_rate, channels.shape[1])
    powers = np.stack(
        [compute_cross_powers(channels[:, a:b] / peak, sample_rate) for a, b in pairwise(edges)]
    )
    equal = np.full(len(channels), 1 / len(channels))
    overall = choose_weights(powers.sum(axis=0), equal, MAX_LOST_SHARE_OVERALL)
    weights = np.stack([choose_weights(second, overall, MAX_LOST_SHARE_PER_SECOND) for second in powers])
    if (weights == equal).all():
        return mean
    return mix_channels(channels, weights, edges, sample_rate)


def compute_cross_powers(channels: Rows, sample_rate: int) -> Floats:
    """(bands, c, c) real cross-powers of channels (c, n), summed over time; powers on the diagonal."""
    size = round(WINDOW_SECONDS * sample_rate)
    padded = np.pad(channels, ((0, 0), (0, -channels.shape[1] % size)))
    spectra = np.fft.rfft(
        padded.reshape(len(channels), -1, size) * np.hanning(size).astype(np.float32), axis=2
    )
    bands = [
        spectra[:, :, a:b].reshape(len(channels), -1)
        for a, b in pairwise(_compute_band_edges(sample_rate, size))
    ]
    return np.stack([(band @ band.conj().T).real for band in bands]).astype(np.float64)


def _compute_band_edges(sample_rate: int, window_size: int) -> npt.NDArray[np.int64]:
    """First bins of the bands of a third of an octave, and the end of the last."""
    hertz = MIN_BAND_HZ * 2 ** (np.arange(40) / 3)
    bins = np.round(hertz[hertz < sample_rate / 2] * window_size / sample_rate).astype(np.int64)
    return np.append(bins[bins < window_size // 2], window_size // 2 + 1)


def compute_lost_share(cross_powers: Floats, weights: Floats) -> float:
    """Share of audible bands that are lost with weights (c,), from cross-powers (bands, c, c)."""
    summed_powers = np.einsum("bii->b", cross_powers)
    audible = summed_powers > summed_powers.max() * MIN_AUDIBLE_POWER_RATIO
    mixed_powers = np.einsum("i,bij,j->b", weights, cross_powers, weights)
    return (
        float((mixed_powers < LOST_POWER_RATIO * summed_powers / len(weights) ** 2)[audible].mean())
        if audible.any()
        else 0.0
    )


def choose_weights(cross_powers: Floats, default_weights: Floats, max_lost_share: float) -> Floats:
    """Weights (c,): the default, or those that lose least if the default loses more than `max_lost_share`."""
    if compute_lost_share(cross_powers, default_weights) <= max_lost_share:
        return default_weights
    total = cross_powers.sum(axis=0)
    equal = np.full(len(default_weights), 1 / len(default_weights))
    strongest = np.eye(len(default_weights))[total.diagonal().argmax()]
    return min(
        (default_weights, equal, compute_signs(total) / len(default_weights), strongest),
        key=lambda weights: compute_lost_share(cross_powers, weights),
    )


def compute_signs(cross_power: Floats) -> Floats:
    """Signs (c,) with which each channel adds to the stronger ones, from cross-powers (c, c)."""
    signs = np.zeros(len(cross_power))
    for channel in np.argsort(-cross_power.diagonal(), kind="stable"):
        signs[channel] = -1.0 if cross_power[channel] @ signs < 0 else 1.0
    return signs


def mix_channels(channels: Rows, weights: Floats, edges: npt.NDArray[np.int64], sample_rate: int) -> Rows:
    """(n,) of channels (c, n) with weights (seconds, c) between edges (seconds + 1,), crossfaded."""
    times = np.arange(channels.shape[1])
    half = FADE_SECONDS * sample_rate / 2
    knots = np.stack([edges[1:-1] - half, edges[1:-1] + half], axis=1).ravel()
    if not len(knots):
        return np.asarray(weights[0] @ channels, np.float32)
    gains = np.stack([weights[:-1], weights[1:]], axis=1).reshape(-1, weights.shape[1])
    out = np.zeros(channels.shape[1])
    for samples, gain in zip(channels, gains.T, strict=True):
        out += samples * np.interp(times, knots, gain)
    return out.astype(np.float32)

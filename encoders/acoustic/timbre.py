"""Timbre: mel bands, cepstrum, and the shape of each frame's spectrum."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from encoders.acoustic.functionals import compute_deltas, compute_mean_change, compute_skewness
from encoders.acoustic.spectrum import (
    FFT_SIZE,
    MAX_FREQUENCY_HZ,
    MEL_BANDS,
    MIN_FREQUENCY_HZ,
    SAMPLE_RATE_HZ,
    Array,
    compute_row_maxima,
    get_bin_frequencies,
    multiply_matrices,
    to_decibels,
)

MFCC_COUNT = 13
CHANGE_LAG_FRAMES = 1, 3, 10  # frames over which bands change: 20, 60, 200 ms
# Hz between the bands whose levels are compared
SPECTRAL_SHAPE_EDGES_HZ = (60.0, 250.0, 500.0, 1000.0, 2000.0, 3500.0, 5000.0, MAX_FREQUENCY_HZ)


def compute_band_sums(power: Array) -> tuple[Array, Array, Array]:
    """Of spectra (n, 513): mel power (n, 40), energy (n,), and what `compute_spectral_shape` takes (n, 9)."""
    sums = multiply_matrices(power, _make_band_weights())
    return sums[:, :MEL_BANDS], sums[:, MEL_BANDS], sums[:, MEL_BANDS + 1 :]


@cache
def _make_band_weights() -> Array:
    """(513, 50) from power to mel bands, energy, power times octaves and their squares, shape bands."""
    from torchaudio.functional import melscale_fbanks

    mel = melscale_fbanks(
        FFT_SIZE // 2 + 1, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ, MEL_BANDS, SAMPLE_RATE_HZ
    ).numpy()
    edges, bins = _find_shape_bins(), np.arange(FFT_SIZE // 2 + 1)
    octave = np.log2(np.maximum(get_bin_frequencies(), 1)) * ((bins >= edges[0]) & (bins < edges[-1]))
    bands = [(bins >= low) & (bins < high) for low, high in pairwise(edges)]
    return np.column_stack([mel, np.ones(len(bins)), octave, octave**2, *bands]).astype(np.float32)


def compute_spectral_shape(power: Array, weighted_sums: Array, floor: float) -> Array:
    """Centroid, spread (octaves), flatness, alpha ratio, Hammarberg index, band tilts (dB); (n, 11).

    power:         (n, 513) spectra
    weighted_sums: (n, 9) of power times octaves, times their squares, and of the shape bands
    floor:         added to each bin
    """
    edges = _find_shape_bins()
    inside = power[:, edges[0] : edges[-1]]
    octave = np.log2(get_bin_frequencies()[edges[0] : edges[-1]])
    bands = weighted_sums[:, 2:] + floor * np.diff(edges)
    total = bands.sum(axis=1)
    centroid = (weighted_sums[:, 0] + floor * octave.sum()) / total
    mean_square = (weighted_sums[:, 1] + floor * (octave**2).sum()) / total
    spread = np.sqrt(np.maximum(mean_square - centroid**2, 0))
    flatness = _compute_mean_log(inside, floor) - np.log(total / inside.shape[1])
    levels = to_decibels(bands)
    alpha_ratio = to_decibels(bands[:, :3].sum(axis=1)) - to_decibels(bands[:, 3:6].sum(axis=1))
    low_peak, high_peak = (
        to_decibels(compute_row_maxima(power[:, low:high]) + floor)
        for low, high in ((edges[0], edges[4]), (edges[4], edges[6]))
    )
    tilts = np.diff(levels, axis=1)
    return np.column_stack([centroid, spread, flatness, alpha_ratio, low_peak - high_peak, tilts]).astype(
        np.float32
    )


def _compute_mean_log(power: Array, floor: float) -> Array:
    """Mean ln (n,) of every second bin: the window blurs neighbouring bins into one."""
    import torch

    every_second = torch.from_numpy(power)[:, ::2]
    return np.asarray((every_second + floor).log_().mean(dim=1).numpy())


@cache
def _find_shape_bins() -> npt.NDArray[np.int64]:
    """Bins at SPECTRAL_SHAPE_EDGES_HZ."""
    return np.searchsorted(get_bin_frequencies(), SPECTRAL_SHAPE_EDGES_HZ)


def compute_band_features(mel_levels: Array, active: npt.NDArray[np.bool_]) -> Array:
    """Of each mel band: mean less the mean over bands, spread, change over 20, 60 and 200 ms; (200,)."""
    levels = mel_levels[active]
    mean = levels.mean(axis=0)
    return np.concatenate(
        [
            mean - mean.mean(),
            levels.std(axis=0),
            compute_mean_change(levels, CHANGE_LAG_FRAMES[0]),
            *(compute_mean_change(mel_levels, lag) for lag in CHANGE_LAG_FRAMES[1:]),
        ]
    )


def compute_cepstral_features(mel_levels: Array, active: npt.NDArray[np.bool_]) -> Array:
    """Mean, spread and skewness of the mel cepstrum, spread of its deltas and their deltas; (65,)."""
    cepstrum = multiply_matrices(mel_levels, _make_dct_matrix())
    deltas = compute_deltas(cepstrum)
    second_deltas = compute_deltas(deltas)
    inside = cepstrum[active]
    return np.concatenate(
        [
            inside.mean(axis=0),
            inside.std(axis=0),
            compute_skewness(inside),
            deltas[active].std(axis=0),
            second_deltas[active].std(axis=0),
        ]
    )


@cache
def _make_dct_matrix() -> Array:
    """(40, 13) of the discrete cosine transform, without the coefficient 0."""
    position = (np.arange(MEL_BANDS) + 0.5) / MEL_BANDS
    return np.asarray(
        np.sqrt(2 / MEL_BANDS) * np.cos(np.pi * position[:, None] * np.arange(1, MFCC_COUNT + 1)), np.float32
    )

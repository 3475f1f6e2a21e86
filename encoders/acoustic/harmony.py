"""Harmony: chroma, key, register and sensory dissonance of music."""

from __future__ import annotations

from functools import cache

import numpy as np

from encoders.acoustic.spectrum import (
    EPSILON,
    SAMPLE_RATE_HZ,
    Array,
    compute_power,
    iterate_frame_blocks,
    make_hann_window,
    multiply_matrices,
    pad_to_length,
)

CHROMA_WINDOW_SAMPLES = CHROMA_HOP_SAMPLES = 4096  # samples: 256 ms resolve semitones
MIDI_NOTES = np.arange(33, 97)  # MIDI: 55 to 2093 Hz
LOW_NOTES, HIGH_NOTES = slice(None, 15), slice(-24, None)  # of MIDI_NOTES: up to 124 Hz; the top two octaves
# Krumhansl & Kessler 1982: rating of each tone in a major and in a minor key
MAJOR_KEY_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_KEY_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def compute_harmony_features(samples: Array) -> Array:
    """Key (5), chroma entropy (2), flux, peakedness, register (3), dissonance, low and high notes; (15,)."""
    magnitudes = _compute_note_magnitudes(samples)
    total = magnitudes.sum(axis=1)
    shares = magnitudes / total[:, None]
    weight = np.sqrt(total)
    weight = weight / weight.sum()
    chroma = shares @ _make_octave_folding()
    mean_chroma = weight @ chroma
    flux = np.abs(np.diff(shares, axis=0)).sum(axis=1).mean() if len(shares) > 1 else 0.0
    height = shares @ MIDI_NOTES
    spread = np.sqrt(np.maximum(shares @ MIDI_NOTES**2 - height**2, 0))
    return np.array(
        [
            *_compute_key_features(mean_chroma),
            -(mean_chroma * np.log(mean_chroma + EPSILON)).sum(),
            -(chroma * np.log(chroma + EPSILON)).sum(axis=1) @ weight,
            flux,
            np.log(shares.max(axis=1)) @ weight,
            weight @ height,
            weight @ spread,
            np.sqrt(weight @ (height - weight @ height) ** 2),
            weight @ _compute_dissonance(shares),
            shares[:, LOW_NOTES].sum(axis=1) @ weight,
            shares[:, HIGH_NOTES].sum(axis=1) @ weight,
        ]
    )


def _compute_note_magnitudes(samples: Array) -> Array:
    """Magnitude (frames, 64) of each of MIDI_NOTES in samples (n,)."""
    import torch

    padded = torch.from_numpy(pad_to_length(samples, CHROMA_WINDOW_SAMPLES))
    window, filterbank = make_hann_window(CHROMA_WINDOW_SAMPLES), _make_note_filterbank()
    blocks = []
    for frames in iterate_frame_blocks(padded, CHROMA_WINDOW_SAMPLES, CHROMA_HOP_SAMPLES):
        power = compute_power(torch.fft.rfft(frames * window)[:, : len(filterbank)])
        blocks.append(multiply_matrices(power.sqrt_().numpy(), filterbank))
    return np.concatenate(blocks) + EPSILON


def _compute_key_features(chroma: Array) -> list[np.floating]:
    """Best key's correlation, best major's, best minor's, their difference, mean over the major keys."""
    centred = chroma - chroma.mean()
    correlations = (_make_key_profiles() @ centred / (np.sqrt(centred @ centred) + EPSILON)).reshape(2, 12)
    best = correlations.max(axis=1)
    return [best.max(), best[0], best[1], best[0] - best[1], correlations.mean(axis=1)[0]]


def _compute_dissonance(shares: Array) -> Array:
    """Mean dissonance (n,) of pairs of notes, by their shares (n, 64)."""
    products = multiply_matrices(shares, _make_dissonance_matrix()) * shares
    return np.asarray(products.sum(axis=1) / (shares**2).sum(axis=1))


@cache
def _make_note_filterbank() -> Array:
    """(k, 64) weight of each bin in each semitone, for bins up to two semitones above the highest."""
    hertz = np.fft.rfftfreq(CHROMA_WINDOW_SAMPLES, 1 / SAMPLE_RATE_HZ)
    midi = 69 + 12 * np.log2(np.maximum(hertz, 1) / 440)
    midi = midi[midi < MIDI_NOTES[-1] + 2]
    return np.asarray(np.exp(-0.5 * ((midi[:, None] - MIDI_NOTES) / 0.35) ** 2), np.float32)


@cache
def _make_octave_folding() -> Array:
    """(64, 12) from notes to pitch classes."""
    return (np.arange(len(MIDI_NOTES))[:, None] % 12 == np.arange(12)).astype(np.float32)


@cache
def _make_key_profiles() -> Array:
    """(24, 12) profiles of the major keys, then the minor ones, of mean 0 and length 1."""
    transposed = np.array(
        [np.roll(profile, tonic) for profile in (MAJOR_KEY_PROFILE, MINOR_KEY_PROFILE) for tonic in range(12)]
    )
    centred = transposed - transposed.mean(axis=1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).sum(axis=1, keepdims=True)), np.float32)


@cache
def _make_dissonance_matrix() -> Array:
    """(64, 64) of two notes by their distance in critical bands (Plomp & Levelt 1965, as Sethares 1993)."""
    hertz = 440 * 2 ** ((MIDI_NOTES - 69) / 12)
    lower = np.minimum(hertz[:, None], hertz)
    distance = np.abs(hertz[:, None] - hertz) * 0.24 / (0.021 * lower + 19)
    return np.asarray(np.exp(-3.5 * distance) - np.exp(-5.75 * distance), np.float32)

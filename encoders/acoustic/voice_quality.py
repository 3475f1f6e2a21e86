"""Voice quality: levels of the first harmonics relative to each other and to the formant regions.

After the parameters H1-H2 and H1-A3 of Eyben et al. 2016 ("The Geneva minimalistic acoustic parameter set").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from encoders.acoustic.spectrum import FFT_SIZE, SAMPLE_RATE_HZ, Array, compute_row_maxima, to_decibels

FORMANT_BINS = (64, 128), (128, 256)  # bins of a spectrum of FFT_SIZE samples: 1 to 2 and 2 to 4 kHz


def compute_voice_quality(power: Array, pitch: Array) -> Array:
    """dB of harmonics 1 - 2, 1 - 3, 1 - the strongest at 1 to 2 and 2 to 4 kHz; (n, 4), NaN unvoiced.

    power: (n, 513) spectra
    pitch: (n,) semitones above 1 Hz, NaN unvoiced
    """
    differences = np.full((len(power), 4), np.nan, np.float32)
    voiced = np.flatnonzero(~np.isnan(pitch))
    if len(voiced):
        bins = 2 ** (pitch[voiced] / 12) * FFT_SIZE / SAMPLE_RATE_HZ
        first, *others = (_find_peak_power(power, voiced, bins * number) for number in (1, 2, 3))
        others += [compute_row_maxima(power[voiced, low:high]) for low, high in FORMANT_BINS]
        differences[voiced] = to_decibels(first)[:, None] - to_decibels(np.stack(others, axis=1))
    return differences


def _find_peak_power(
    power: Array, frame_indices: npt.NDArray[np.int64], bins: npt.NDArray[np.floating]
) -> Array:
    """Largest power (m,) of the three bins around `bins` (m,) in the frames `frame_indices` (m,)."""
    nearest = np.clip(np.round(bins).astype(int), 1, power.shape[1] - 2)
    return np.asarray(power[frame_indices[:, None], nearest[:, None] + np.arange(-1, 2)].max(axis=1))

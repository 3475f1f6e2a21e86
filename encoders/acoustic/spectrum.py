"""Short-time power spectra of 16 kHz sound: frames, windows, decibels.

Torch computes the transforms and the matrix products; it is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.logmel import ACTIVE_POWER_RATIO

if TYPE_CHECKING:
    import torch

SAMPLE_RATE_HZ = 16000
# samples: windows of 40 ms, two periods of the lowest voice, every 20 ms
WINDOW_SAMPLES, HOP_SAMPLES, FFT_SIZE = 640, 320, 1024
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES
BLOCK_FRAMES = 3000  # frames (a minute) per block: the spectrum of hours at once would take gigabytes
MEL_BANDS, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 40, 50.0, 7600.0
ACTIVE_LEVEL_DB = 10 * np.log10(ACTIVE_POWER_RATIO)  # dB: frames below it are pauses
EPSILON = 1e-10  # least power before a logarithm, least divisor

Array = npt.NDArray[np.float32]


def iterate_frame_blocks(samples: torch.Tensor, window_size: int, hop: int) -> Iterator[torch.Tensor]:
    """Frames (k, window_size) of samples (n,), `hop` samples apart, at most BLOCK_FRAMES at a time."""
    for start in range(0, len(samples) - window_size + 1, hop * BLOCK_FRAMES):
        yield samples[start : start + hop * (BLOCK_FRAMES - 1) + window_size].unfold(0, window_size, hop)


def pad_to_length(samples: Array, min_length: int) -> Array:
    """Samples (n,) with silence appended up to `min_length`."""
    return np.pad(samples, (0, min_length - len(samples))) if len(samples) < min_length else samples


def compute_power(spectrum: torch.Tensor) -> torch.Tensor:
    """Squared magnitude of a complex spectrum; `abs` takes three times as long."""
    return spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag)


def to_decibels(power: npt.NDArray[np.floating]) -> Array:
    """10 log10 of powers, at least -100 dB."""
    return np.asarray(10 * np.log10(np.maximum(power, EPSILON)), np.float32)


def multiply_matrices(left: Array, right: Array) -> Array:
    """left @ right, computed by torch.

    The thread pools of numpy and of torch both spin for a while after work; used in turn they compete for
    the cores, which takes ten times as long on a busy machine.
    """
    import torch

    return np.asarray((torch.from_numpy(left) @ torch.from_numpy(right)).numpy())


def compute_row_maxima(values: Array) -> Array:
    """Largest value (n,) of each row of (n, k); numpy takes four times as long."""
    import torch

    return np.asarray(torch.from_numpy(values).amax(dim=1).numpy())


@cache
def make_hann_window(size: int) -> torch.Tensor:
    """Periodic Hann window (size,)."""
    import torch

    return torch.hann_window(size)


@cache
def get_bin_frequencies() -> Array:
    """Hz (513,) of the bins of a spectrum of FFT_SIZE samples."""
    return np.asarray(np.fft.rfftfreq(FFT_SIZE, 1 / SAMPLE_RATE_HZ), np.float32)

"""Low-level descriptors: level, loudness, pitch, timbre and voice quality every 20 ms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.acoustic.pitch import estimate_pitch, get_pitch_lag_range
from encoders.acoustic.spectrum import (
    ACTIVE_LEVEL_DB,
    EPSILON,
    FFT_SIZE,
    HOP_SAMPLES,
    WINDOW_SAMPLES,
    Array,
    compute_power,
    iterate_frame_blocks,
    make_hann_window,
    pad_to_length,
    to_decibels,
)
from encoders.acoustic.timbre import compute_band_sums, compute_spectral_shape
from encoders.acoustic.voice_quality import compute_voice_quality

FLOOR_DB = -60.0  # dB under the loudest mel cell
CONTOUR_PARTS = 6  # equal parts of the sounding stretch
_WINDOW_OFFSET = (FFT_SIZE - WINDOW_SAMPLES) // 2


@dataclass(frozen=True, kw_only=True, eq=False)
class LowLevelDescriptors:
    """Descriptors of n frames, 20 ms apart.

    mel_levels: (n, 40) dB under the loudest cell
    loudness: (n,) dB under the loudest frame
    pitch:   (n,) semitones above 1 Hz; NaN where unvoiced
    clarity: (n,) the autocorrelation at the pitch, 0 to 1
    spectral_shape: (n, 11) see `encoders.acoustic.timbre.compute_spectral_shape`
    voice_quality: (n, 4) see `encoders.acoustic.voice_quality`; NaN where unvoiced
    """

    mel_levels: Array
    loudness: Array
    pitch: Array
    clarity: Array
    spectral_shape: Array
    voice_quality: Array

    @property
    def active(self) -> npt.NDArray[np.bool_]:
        """(n,) False for pauses."""
        return np.asarray(self.loudness >= ACTIVE_LEVEL_DB)

    def select_frames(self, frame_slice: slice) -> LowLevelDescriptors:
        """The descriptors of consecutive frames."""
        return LowLevelDescriptors(**{name: values[frame_slice] for name, values in vars(self).items()})


def compute_descriptors(samples: Array) -> LowLevelDescriptors:
    """Descriptors of samples (n,) at 16 kHz: 1 + n // 320 frames, the ends mirrored."""
    import torch

    samples, side = pad_to_length(samples, FFT_SIZE), FFT_SIZE // 2
    mirrored = np.concatenate([samples[side:0:-1], samples, samples[-2 : -side - 2 : -1]])
    window = make_hann_window(WINDOW_SAMPLES)
    blocks = []
    for frames in iterate_frame_blocks(torch.from_numpy(mirrored), FFT_SIZE, HOP_SAMPLES):
        windowed = frames[:, _WINDOW_OFFSET : _WINDOW_OFFSET + WINDOW_SAMPLES] * window
        power = compute_power(torch.fft.rfft(windowed, FFT_SIZE))
        autocorrelation = torch.fft.irfft(power)[:, : get_pitch_lag_range()[1] + 2]
        blocks.append(_measure_frames(power.numpy(), autocorrelation.numpy()))
    mel, energy, pitch, clarity, spectral_shape, voice_quality = (
        blocks[0] if len(blocks) == 1 else map(np.concatenate, zip(*blocks, strict=True))
    )
    return LowLevelDescriptors(
        mel_levels=np.maximum(to_decibels(mel / max(mel.max(), EPSILON)), FLOOR_DB),
        loudness=np.maximum(to_decibels(energy / max(energy.max(), EPSILON)), FLOOR_DB),
        pitch=pitch,
        clarity=clarity,
        spectral_shape=spectral_shape,
        voice_quality=voice_quality,
    )


def _measure_frames(power: Array, autocorrelation: Array) -> tuple[Array, ...]:
    """Mel power, energy, pitch, clarity, spectral shape and voice quality of one block of frames."""
    mel, energy, shape_sums = compute_band_sums(power)
    pitch, clarity = estimate_pitch(autocorrelation, energy)
    return (
        mel,
        energy,
        pitch,
        clarity,
        compute_spectral_shape(power, shape_sums, EPSILON * energy.max()),
        compute_voice_quality(power, pitch),
    )


def compute_contour_features(descriptors: LowLevelDescriptors) -> Array:
    """Loudness, pitch, clarity and centroid in six equal parts, less their mean; (24,)."""
    voiced = ~np.isnan(descriptors.pitch)
    median = float(np.median(descriptors.pitch[voiced])) if voiced.any() else 0.0
    melody = np.where(voiced, descriptors.pitch - median, 0)
    contours = np.stack(
        [descriptors.loudness, melody, descriptors.clarity, descriptors.spectral_shape[:, 0]], axis=1
    )
    parts = [part if len(part) else contours[-1:] for part in np.array_split(contours, CONTOUR_PARTS)]
    means = np.stack([part.mean(axis=0) for part in parts])
    return np.asarray(means - means.mean(axis=0)).ravel()

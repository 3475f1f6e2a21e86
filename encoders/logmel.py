"""Log-mel statistics of sound, for retrieval of sound by sound without a downloaded network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import Audio, EncoderCard, Rows
from encoders.files import compute_sha256
from encoders.safetensors_io import read_safetensors

if TYPE_CHECKING:
    import torch

SAMPLE_RATE_HZ = 16000  # Hz
MEL_BANDS = 64
WINDOW_SAMPLES, HOP_SAMPLES, FFT_SIZE = 400, 160, 512  # samples: 25 ms every 10 ms
MIN_FREQUENCY_HZ = 50.0
MAX_FREQUENCY_HZ = 7600.0  # Hz; above it lossy codecs and 16 kHz sources differ from the original
FLOOR_DB = -50.0  # dB under the loudest mel cell; below it are codec noise and room noise
ACTIVE_POWER_RATIO = 10**-2.5  # of the loudest frame: frames within 25 dB of it are active
SILENCE_RMS = 10**-3.5  # RMS, -70 dBFS: the quietest acted speech of RAVDESS lies at -64
MIN_DURATION_SECONDS = 0.025  # seconds
SLOW_LAG_FRAMES = (5, 20)  # frames: changes over 50 and 200 ms
BLOCK_FRAMES = 6000  # frames, a minute: a spectrum of hours at once would take gigabytes
ENVELOPE_LAG_FRAMES = (1, 2, 4, 8, 16, 32, 64)  # frames
DIM = MEL_BANDS * (3 + len(SLOW_LAG_FRAMES)) + 2 + len(ENVELOPE_LAG_FRAMES)
SAMPLE_RATE_STEP_HZ = 25  # Hz

Array = npt.NDArray[np.float32]


def is_audible(audio: Audio) -> bool:
    """False for silence: under 25 ms, or quieter than -70 dBFS over the whole (NaN counts as silence)."""
    return (
        len(audio.samples) >= MIN_DURATION_SECONDS * audio.sample_rate
        and float(np.std(audio.samples)) > SILENCE_RMS
    )


def resample(audio: Audio, sample_rate: int) -> Array:
    """Samples at `sample_rate` Hz.

    The source rate is rounded to a multiple of 25 Hz (11127 Hz to 11125), at most a fifth of a percent away:
    torchaudio's kernel grows with the reduced fraction and would take gigabytes.
    """
    import torch

    source_rate = max(round(audio.sample_rate / SAMPLE_RATE_STEP_HZ), 1) * SAMPLE_RATE_STEP_HZ
    samples = torch.from_numpy(np.ascontiguousarray(audio.samples, np.float32))
    return np.asarray(_make_resampler(source_rate, sample_rate)(samples).numpy(), np.float32)


@lru_cache(maxsize=16)
def _make_resampler(source_rate: int, target_rate: int) -> torch.nn.Module:
    from torchaudio.transforms import Resample

    return Resample(source_rate, target_rate)


def split_windows(samples: Array, window_size: int) -> list[Array]:
    """Consecutive windows of `window_size` samples; a tail of up to half a window is dropped, if not all."""
    starts = range(0, max(len(samples) - window_size // 2, 1), window_size)
    return [samples[start : start + window_size] for start in starts]


@cache
def _make_mel_transform() -> tuple[torch.nn.Module, torch.Tensor]:
    from torchaudio.functional import melscale_fbanks
    from torchaudio.transforms import Spectrogram

    return Spectrogram(FFT_SIZE, WINDOW_SAMPLES, HOP_SAMPLES, center=False), melscale_fbanks(
        FFT_SIZE // 2 + 1, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ, MEL_BANDS, SAMPLE_RATE_HZ
    )


def compute_mel_power(samples: Array) -> Array:
    """Mel power (frames, 64) of samples at 16 kHz; frames are 10 ms apart."""
    import torch

    padded = np.pad(samples, (0, max(FFT_SIZE - len(samples), 0)))
    frames = 1 + len(padded) // HOP_SAMPLES
    centred = torch.from_numpy(np.pad(padded, FFT_SIZE // 2, mode="reflect"))
    bounds = (
        (start * HOP_SAMPLES, (start + BLOCK_FRAMES - 1) * HOP_SAMPLES + FFT_SIZE)
        for start in range(0, frames, BLOCK_FRAMES)
    )
    spectrogram, bank = _make_mel_transform()
    return np.concatenate([(spectrogram(centred[left:right]).T @ bank).numpy() for left, right in bounds])


def compute_logmel_statistics(audio: Audio) -> Array:
    """The 329 statistics of audible sound, not standardised; they don't depend on the gain.

    Per mel band, in dB under the loudest cell: mean, spread and change from frame to frame of active
    frames, change over 50 and 200 ms; of the loudness envelope: mean, spread and change over 10 to 640 ms.
    """
    power = compute_mel_power(resample(audio, SAMPLE_RATE_HZ))
    levels, loudness = _to_decibels(power), power.sum(axis=1)
    active = levels[loudness >= loudness.max() * ACTIVE_POWER_RATIO]
    bands = [active.mean(axis=0), active.std(axis=0), _compute_mean_change(active, 1)]
    bands += [_compute_mean_change(levels, lag) for lag in SLOW_LAG_FRAMES]
    envelope = _to_decibels(loudness[:, None])
    envelope_statistics = [
        envelope.mean(axis=0),
        envelope.std(axis=0),
        *(_compute_mean_change(envelope, lag) for lag in ENVELOPE_LAG_FRAMES),
    ]
    return np.concatenate([*bands, *envelope_statistics]).astype(np.float32)


def _to_decibels(power: Array) -> Array:
    tiny = np.finfo(np.float32).tiny
    relative = np.maximum(power / np.maximum(power.max(), tiny), tiny)
    return np.asarray(np.maximum(10 * np.log10(relative), FLOOR_DB), np.float32)


def _compute_mean_change(level: Array, lag: int) -> Array:
    """Mean absolute change over `lag` frames, or the longest lag possible; (n, d) to (d,)."""
    lag = min(lag, len(level) - 1)
    if lag == 0:  # a single frame doesn't change
        return np.zeros(level.shape[1], np.float32)
    return np.asarray(np.abs(level[lag:] - level[:-lag]).mean(axis=0), np.float32)


@dataclass(frozen=True)
class BackgroundWhitening:
    """Whitening by the statistics of sound in general; without it the cosine of any two rows is near 1.

    mean, scale (d,); directions (k, d) unit rows common to all sound, and the gain (k,) < 1 that damps each:
    whitening of a covariance shrunk towards the identity (Ledoit & Wolf 2004), strongest directions only.
    """

    mean: Array
    scale: Array
    directions: Array
    gain: Array

    def whiten(self, rows: Array) -> Rows:
        """Statistics (n, d) centred, scaled and with the common directions damped."""
        centred = (rows - self.mean) / self.scale
        projections = centred @ self.directions.T
        return np.asarray(centred + (projections * (self.gain - 1)) @ self.directions, np.float32)


@dataclass(frozen=True)
class LogMelEncoder:
    """Standardised log-mel statistics (n, 329), raw. Silence abstains."""

    card: EncoderCard
    whitening: BackgroundWhitening

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 329); NaN where `is_audible` is False."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        audible = [i for i, audio in enumerate(items) if is_audible(audio)]
        if audible:
            rows[audible] = self.whitening.whiten(
                np.stack([compute_logmel_statistics(items[i]) for i in audible])
            )
        return rows


def logmel() -> LogMelEncoder:
    """Log-mel statistics with the whitening shipped in this package."""
    with as_file(files("encoders") / "weights" / "logmel-background.safetensors") as file:
        whitening, digest = BackgroundWhitening(**read_safetensors(file).tensors), compute_sha256(file)
    card = EncoderCard(
        name="logmel",
        modality="sound",
        dim=DIM,
        licence="Apache-2.0",
        weights_source="encoders/weights/logmel-background.safetensors",
        training_data="statistics of four sound collections, listed in encoders/weights/logmel-background.md",
        sha256=digest,
        sample_rate=SAMPLE_RATE_HZ,
    )
    return LogMelEncoder(card, whitening)

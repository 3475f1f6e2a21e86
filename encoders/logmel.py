"""What it sounds like: log-mel statistics, for finding sound by sound without any downloaded network."""

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

if TYPE_CHECKING:
    import torch

SAMPLE_RATE_HZ = 16000  # Hz
MEL_BANDS = 64
WINDOW_SAMPLES, HOP_SAMPLES, FFT_SIZE = 400, 160, 512  # samples: 25 ms every 10 ms
MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = (
    50.0,
    7600.0,
)  # Hz; above it lossy codecs and 16 kHz sources differ from the original
FLOOR_DB = -50.0  # dB under the loudest mel cell; what lies below is codec noise and room hiss
ACTIVE_POWER_RATIO = 10**-2.5  # frames within 25 dB of the loudest frame count as sounding
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

    An odd rate (11127 Hz) is taken as its nearest multiple of 25 Hz, at most a fifth of a percent away:
    torchaudio's kernel grows with the reduced fraction and would take gigabytes.
    """
    import torch

    near = max(round(audio.sample_rate / SAMPLE_RATE_STEP_HZ), 1) * SAMPLE_RATE_STEP_HZ
    samples = torch.from_numpy(np.ascontiguousarray(audio.samples, np.float32))
    return np.asarray(_make_resampler(near, sample_rate)(samples).numpy(), np.float32)


@lru_cache(maxsize=16)
def _make_resampler(source_rate: int, target_rate: int) -> torch.nn.Module:
    from torchaudio.transforms import Resample

    return Resample(source_rate, target_rate)


def split_windows(samples: Array, window_size: int) -> list[Array]:
    """Windows of `window_size` samples in a row; a tail of half a one or less is dropped, if not all."""
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

    filled = np.pad(samples, (0, max(FFT_SIZE - len(samples), 0)))
    frames = 1 + len(filled) // HOP_SAMPLES
    centred = torch.from_numpy(np.pad(filled, FFT_SIZE // 2, mode="reflect"))
    ends = (
        (start * HOP_SAMPLES, (start + BLOCK_FRAMES - 1) * HOP_SAMPLES + FFT_SIZE)
        for start in range(0, frames, BLOCK_FRAMES)
    )
    spectrogram, bank = _make_mel_transform()
    return np.concatenate([(spectrogram(centred[left:right]).T @ bank).numpy() for left, right in ends])


def compute_logmel_statistics(audio: Audio) -> Array:
    """The 329 statistics of audible sound, not yet standardised. Any gain gives the same numbers.

    Per mel band, in dB under the loudest cell: mean, spread and change from frame to frame while it
    sounds, change over 50 and 200 ms; of the loudness envelope: mean, spread and change over 10 to 640 ms.
    """
    power = compute_mel_power(resample(audio, SAMPLE_RATE_HZ))
    level, loudness = _to_decibels(power), power.sum(axis=1)
    sounding = level[loudness >= loudness.max() * ACTIVE_POWER_RATIO]
    bands = [sounding.mean(axis=0), sounding.std(axis=0), _compute_mean_change(sounding, 1)]
    bands += [_compute_mean_change(level, lag) for lag in SLOW_LAG_FRAMES]
    envelope = _to_decibels(loudness[:, None])
    shape = [
        envelope.mean(axis=0),
        envelope.std(axis=0),
        *(_compute_mean_change(envelope, lag) for lag in ENVELOPE_LAG_FRAMES),
    ]
    return np.concatenate([*bands, *shape]).astype(np.float32)


def _to_decibels(power: Array) -> Array:
    tiny = np.finfo(np.float32).tiny
    relative = np.maximum(power / np.maximum(power.max(), tiny), tiny)
    return np.asarray(np.maximum(10 * np.log10(relative), FLOOR_DB), np.float32)


def _compute_mean_change(level: Array, lag: int) -> Array:
    """Mean absolute change over `lag` frames, or over the longest lag there is; (n, d) to (d,)."""
    lag = min(lag, len(level) - 1)
    if lag == 0:  # a single frame doesn't change
        return np.zeros(level.shape[1], np.float32)
    return np.asarray(np.abs(level[lag:] - level[:-lag]).mean(axis=0), np.float32)


@dataclass(frozen=True)
class BackgroundWhitening:
    """What sound is like in general: without it the cosine of any two raw log-mel rows is near 1.

    mean, scale (d,); directions (k, d) unit rows that all sound shares, and the gain (k,) < 1 that damps
    each: whitening of a covariance shrunk towards the identity (Ledoit & Wolf 2004), strongest part only.
    """

    mean: Array
    scale: Array
    directions: Array
    gain: Array

    def whiten(self, rows: Array) -> Rows:
        """Rows (n, d) of statistics, centred, scaled and with the shared directions damped."""
        centred = (rows - self.mean) / self.scale
        shared = centred @ self.directions.T
        return np.asarray(centred + (shared * (self.gain - 1)) @ self.directions, np.float32)


@dataclass(frozen=True)
class LogMelEncoder:
    """Standardised log-mel statistics (n, 329), raw. Silence abstains."""

    card: EncoderCard
    whitening: BackgroundWhitening

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 329); NaN where `is_audible` is False."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        heard = [i for i, sound in enumerate(items) if is_audible(sound)]
        if heard:
            rows[heard] = self.whitening.whiten(
                np.stack([compute_logmel_statistics(items[i]) for i in heard])
            )
        return rows


def logmel() -> LogMelEncoder:
    """Log-mel statistics with the background file of this package."""
    from safetensors.numpy import load_file

    with as_file(files("encoders") / "weights" / "logmel-background.safetensors") as file:
        background, digest = BackgroundWhitening(**load_file(file)), compute_sha256(file)
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
    return LogMelEncoder(card, background)

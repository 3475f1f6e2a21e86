"""Features and tags of music by musicnn, from a pip package (Pons & Serra 2019, late-breaking demo of ISMIR).

The package musicnn serves for its weights and tag names alone and is never imported: that wants TensorFlow
and librosa. The spectrogram is librosa's, in float32; the package rounds it to float16, where 10000 times the
power of a loud sound is infinite.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import Audio, EncoderCard, Rows
from encoders.files import compute_sha256
from encoders.logmel import is_audible, resample
from encoders.onnx_runtime import Network, load_network
from encoders.package_files import find_package_files

if TYPE_CHECKING:
    import torch

PACKAGE = "musicnn"
INSTALL_COMMAND = "pip install --no-deps musicnn==0.1.0"
CHECKPOINT = "musicnn/MTT_musicnn"
TAGS_NAME = "MTT_LABELS"
SHA256_BY_FILE = {
    f"{CHECKPOINT}/.index": "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
    f"{CHECKPOINT}/.data-00000-of-00001": "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
    "musicnn/configuration.py": "00fd595eb16bad3a605e10bb6eaf0152cb8125bed6e2c884a636f679ae100419",
}
SAMPLE_RATE_HZ = 16000
FFT_SIZE, HOP_SAMPLES = 512, 256  # samples: 32 ms every 16 ms
MEL_BANDS = 96
PATCH_FRAMES = 187  # 3 s
BATCH_PATCHES = 4
BLOCK_FRAMES = 6000  # of which the spectrogram is computed at a time, a minute and a half
POOLS, TAGS = 1506, 50  # dimensions


@dataclass(frozen=True, kw_only=True)
class MusicNetwork:
    """The network of a checkpoint, run on patches of 3 s."""

    key: str
    index_path: Path
    data_path: Path

    @cached_property
    def _network(self) -> Network:
        example = np.random.default_rng(0).random((2, PATCH_FRAMES, MEL_BANDS), np.float32)
        return load_network(self.key, self._build, [example], [{0: "n"}])

    def _build(self) -> torch.nn.Module:
        from encoders.musicnn.network import build_network
        from encoders.musicnn.tensorflow_bundle import read_bundle

        return build_network(read_bundle(self.index_path, self.data_path), MEL_BANDS)

    def compute_outputs(self, audio: Audio) -> tuple[Rows, Rows]:
        """Pools (patches, 1506) and tag probabilities (patches, 50) of a sound."""
        patches = compute_patches(resample(audio, SAMPLE_RATE_HZ))
        batches = (patches[start : start + BATCH_PATCHES] for start in range(0, len(patches), BATCH_PATCHES))
        pools, tags = zip(*map(self._network, batches), strict=True)
        return np.concatenate(pools), np.concatenate(tags)


@dataclass(frozen=True)
class MusicFeatures:
    """Rows (n, 1506): maxima and means over time of the last convolutions, averaged over patches of 3 s.

    They tell valence and arousal of music better than the hidden layer or the tags behind them do
    (`python -m experiments.bench music`). Silence abstains.
    """

    card: EncoderCard
    network: MusicNetwork

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 1506), raw; NaN where the sound is not audible."""
        rows = np.full((len(items), POOLS), np.nan, np.float32)
        for number, audio in enumerate(items):
            if is_audible(audio):
                rows[number] = self.network.compute_outputs(audio)[0].mean(axis=0)
        return rows


@dataclass(frozen=True)
class MusicTagger:
    """Scores (n, 50) of music tags, each in [0, 1]: means over patches of 3 s. Silence abstains."""

    card: EncoderCard
    network: MusicNetwork
    classes: tuple[str, ...]

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, 50); NaN where the sound is not audible."""
        rows = np.full((len(items), TAGS), np.nan, np.float32)
        for number, audio in enumerate(items):
            if is_audible(audio):
                rows[number] = self.score_patches(audio).mean(axis=0)
        return rows

    def score_patches(self, audio: Audio) -> Rows:
        """Scores (patches, 50) over the course of a sound, patches evenly spread and at most 3 s apart."""
        return self.network.compute_outputs(audio)[1]

    def locate_patches(self, audio: Audio) -> npt.NDArray[np.float64]:
        """Seconds (patches,) to the centre of each patch of `score_patches`."""
        frame_count = 1 + len(resample(audio, SAMPLE_RATE_HZ)) // HOP_SAMPLES
        centres = (choose_patch_starts(frame_count) + PATCH_FRAMES / 2) * HOP_SAMPLES / SAMPLE_RATE_HZ
        return np.minimum(centres, audio.duration / 2) if frame_count < PATCH_FRAMES else centres


def compute_patches(samples: npt.NDArray[np.float32]) -> Rows:
    """Log-mel patches (patches, 187, 96) of samples at 16 kHz that cover all of them; short sounds repeat.

    The package leaves out what remains after the last whole patch; here patches overlap instead.
    """
    spectrogram = compute_log_mel(samples)
    if len(spectrogram) < PATCH_FRAMES:
        return np.resize(spectrogram, (1, PATCH_FRAMES, MEL_BANDS))
    starts = choose_patch_starts(len(spectrogram))
    return np.stack([spectrogram[start : start + PATCH_FRAMES] for start in starts])


def choose_patch_starts(frame_count: int) -> npt.NDArray[np.int64]:
    """(patches,) first frames of patches that are evenly spread over so many frames and leave none out."""
    count = math.ceil(frame_count / PATCH_FRAMES)
    return np.linspace(0, max(frame_count - PATCH_FRAMES, 0), count).round().astype(np.int64)


def compute_log_mel(samples: npt.NDArray[np.float32]) -> Rows:
    """log10(10000 mel power + 1) (frames, 96), frames centred on every 256th sample."""
    window, filters = _make_filters()
    padded = np.pad(samples, FFT_SIZE // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP_SAMPLES]
    blocks = []
    for start in range(0, len(frames), BLOCK_FRAMES):
        spectrum = np.fft.rfft(frames[start : start + BLOCK_FRAMES] * window)
        power = np.square(np.abs(spectrum)).astype(np.float32)
        blocks.append(np.log10(10000 * (power @ filters) + 1))
    return np.concatenate(blocks)


@cache
def _make_filters() -> tuple[Rows, Rows]:
    """Periodic Hann window (512,) and Slaney's mel filters (257, 96) of equal area, 0 to 8 kHz."""
    from torchaudio.functional import melscale_fbanks

    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)).astype(np.float32)
    filters = melscale_fbanks(
        FFT_SIZE // 2 + 1,
        0.0,
        SAMPLE_RATE_HZ / 2,
        MEL_BANDS,
        SAMPLE_RATE_HZ,
        norm="slaney",
        mel_scale="slaney",
    )
    return window, filters.numpy()


def read_tags(configuration: Path, name: str) -> tuple[str, ...]:
    """The list of strings assigned to `name` in a Python file, which is parsed and not run."""
    for statement in ast.parse(configuration.read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                return tuple(ast.literal_eval(value))
    raise ValueError(f"no {name} in {configuration}")


def _load(name: str, dim: int) -> tuple[EncoderCard, MusicNetwork, Path]:
    """Card, network and the file of its tags. Raises MissingBackendError without the package."""
    index_path, data_path, tags_path = find_package_files(name, PACKAGE, SHA256_BY_FILE, INSTALL_COMMAND)
    card = EncoderCard(
        name=name,
        modality="sound",
        dim=dim,
        licence="ISC",
        weights_source="package musicnn 0.1.0, MTT_musicnn",
        training_data="MagnaTagATune",
        sha256=compute_sha256(index_path, data_path),
        sample_rate=SAMPLE_RATE_HZ,
    )
    key = f"{PACKAGE}-{card.version}-{card.sha256[:12]}"  # one network serves both
    return card, MusicNetwork(key=key, index_path=index_path, data_path=data_path), tags_path


def musicnn() -> MusicFeatures:
    """Features of music, 1506-d."""
    card, network, _ = _load("musicnn", POOLS)
    return MusicFeatures(card, network)


def musicnn_tags() -> MusicTagger:
    """Scores of 50 instruments, voices and genres."""
    card, network, tags_path = _load("musicnn-tags", TAGS)
    return MusicTagger(card, network, read_tags(tags_path, TAGS_NAME))

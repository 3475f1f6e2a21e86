"""Optional audio tagging: the Audio Spectrogram Transformer trained on AudioSet (Gong et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.base import Audio, EncoderCard, Rows
from encoders.files import compute_sha256
from encoders.hub.weights import find_model_folder, find_model_weights
from encoders.logmel import HOP_SAMPLES, SAMPLE_RATE_HZ, Array, is_audible, resample, split_windows
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    import torch

NAME = "ast-audioset"
REPO = "MIT/ast-finetuned-audioset-10-10-0.4593"


@dataclass(frozen=True)
class AudioSpectrogramTransformer:
    """Pooled vectors (n, dim), a mean over windows of 10.24 s; `logits` gives those of AudioSet's labels."""

    card: EncoderCard
    folder: Path

    @cached_property
    def _feature_extractor(self) -> Any:
        from transformers import ASTFeatureExtractor

        return ASTFeatureExtractor.from_pretrained(self.folder, local_files_only=True)

    @cached_property
    def _network(self) -> Network:
        noise = np.random.default_rng(0).normal(0, 0.1, 2 * self._feature_extractor.max_length * HOP_SAMPLES)
        example = self.compute_spectrograms(
            Audio(samples=noise.astype(np.float32), sample_rate=SAMPLE_RATE_HZ)
        )
        return load_network(
            self.card.cache_key, lambda: _build_pooled_model(self.folder), [example], [{0: "n"}]
        )

    def compute_spectrograms(self, audio: Audio) -> Array:
        """Log-mel spectrograms (windows, frames, bands) by transformers' feature extractor."""
        parts = split_windows(
            resample(audio, SAMPLE_RATE_HZ), self._feature_extractor.max_length * HOP_SAMPLES
        )
        return np.asarray(
            self._feature_extractor(parts, sampling_rate=SAMPLE_RATE_HZ, return_tensors="np")["input_values"]
        )

    def encode(self, items: Sequence[Audio]) -> Rows:
        """Rows (n, dim), raw; NaN where the sound is not audible."""
        rows = np.full((len(items), self.card.dim), np.nan, np.float32)
        for i, audio in enumerate(items):
            if is_audible(audio):
                rows[i] = self._network(self.compute_spectrograms(audio))[0].mean(axis=0)
        return rows

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """AudioSet's label names (527) in network order."""
        from transformers import ASTConfig

        names = ASTConfig.from_pretrained(self.folder, local_files_only=True).id2label or {}
        return tuple(name for _, name in sorted(names.items()))

    @cached_property
    def _classifier_head(self) -> torch.nn.Module:
        return _load_model(self.folder).classifier

    def logits(self, rows: Rows) -> Rows:
        """Label logits (n, 527) of rows (n, dim): for a sigmoid, labels are not exclusive."""
        import torch

        with torch.inference_mode():
            return np.asarray(
                self._classifier_head(torch.from_numpy(np.asarray(rows, np.float32))).numpy(), np.float32
            )


def _load_model(folder: Path) -> Any:
    from transformers import ASTForAudioClassification

    return ASTForAudioClassification.from_pretrained(folder, local_files_only=True).eval()


def _build_pooled_model(folder: Path) -> torch.nn.Module:
    import torch

    class PooledModel(torch.nn.Module):
        """Log-mel spectrograms (n, frames, bands) to pooled vectors (n, dim)."""

        def __init__(self) -> None:
            super().__init__()
            self.body = _load_model(folder).audio_spectrogram_transformer

        def forward(self, mel: torch.Tensor) -> torch.Tensor:
            pooled: torch.Tensor = self.body(mel).pooler_output
            return pooled

    return PooledModel()


def load_spectrogram_transformer(folder: Path) -> AudioSpectrogramTransformer:
    """The model in a folder of transformers' layout."""
    from transformers import ASTConfig

    weights = find_model_weights(folder)
    card = EncoderCard(
        name=NAME,
        modality="sound",
        dim=ASTConfig.from_pretrained(folder, local_files_only=True).hidden_size,
        licence="BSD-3-Clause",
        weights_source=f"huggingface.co/{REPO}",
        training_data="ImageNet-1k, then AudioSet",
        sha256=compute_sha256(weights) if weights else "",
        sample_rate=SAMPLE_RATE_HZ,
    )
    return AudioSpectrogramTransformer(card, folder)


def ast_audioset() -> AudioSpectrogramTransformer:
    """The published model (mAP .459), 768-d. Raises MissingBackendError if it is missing."""
    return load_spectrogram_transformer(find_model_folder(NAME, REPO))

"""What sounds: AudioSet tags by the Audio Spectrogram Transformer (Gong et al. 2021), an option."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.base import Card, Rows, Sound
from encoders.hub.weights import content, model_folder
from encoders.logmel import HOP, RATE, Array, at_rate, audible, windows
from encoders.onnx_runtime import Network, network, sha256

if TYPE_CHECKING:
    import torch

NAME = "ast-audioset"
REPO = "MIT/ast-finetuned-audioset-10-10-0.4593"


@dataclass(frozen=True)
class SpectrogramTransformer:
    """Pooled vectors (n, dim), a mean over windows of 10.24 s; `logits` reads AudioSet labels off them."""

    card: Card
    folder: Path

    @cached_property
    def _extract(self) -> Any:
        from transformers import ASTFeatureExtractor

        return ASTFeatureExtractor.from_pretrained(self.folder, local_files_only=True)

    @cached_property
    def _network(self) -> Network:
        noise = np.random.default_rng(0).normal(0, 0.1, 2 * self._extract.max_length * HOP)
        example = self.prepare(Sound(samples=noise.astype(np.float32), rate=RATE))
        return network(self.card.key, lambda: _build(self.folder), [example], [{0: "n"}])

    def prepare(self, sound: Sound) -> Array:
        """Log-mel pictures (windows, frames, bands), made by transformers' own feature extractor."""
        parts = windows(at_rate(sound, RATE), self._extract.max_length * HOP)
        return np.asarray(self._extract(parts, sampling_rate=RATE, return_tensors="np")["input_values"])

    def encode(self, items: Sequence[Sound]) -> Rows:
        """Rows (n, dim), raw; NaN where the sound is not audible."""
        rows = np.full((len(items), self.card.dim), np.nan, np.float32)
        for i, sound in enumerate(items):
            if audible(sound):
                rows[i] = self._network(self.prepare(sound))[0].mean(axis=0)
        return rows

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """AudioSet's label names (527) in network order."""
        from transformers import ASTConfig

        names = ASTConfig.from_pretrained(self.folder, local_files_only=True).id2label or {}
        return tuple(name for _, name in sorted(names.items()))

    @cached_property
    def _head(self) -> torch.nn.Module:
        return _load(self.folder).classifier

    def logits(self, rows: Rows) -> Rows:
        """Label logits (n, 527) of rows (n, dim): layer norm, then a linear map; for sigmoid, not softmax."""
        import torch

        with torch.inference_mode():
            return np.asarray(self._head(torch.from_numpy(np.asarray(rows, np.float32))).numpy(), np.float32)


def _load(folder: Path) -> Any:
    from transformers import ASTForAudioClassification

    return ASTForAudioClassification.from_pretrained(folder, local_files_only=True).eval()


def _build(folder: Path) -> torch.nn.Module:
    import torch

    class Pooled(torch.nn.Module):
        """Log-mel pictures (n, frames, bands) to pooled vectors (n, dim)."""

        def __init__(self) -> None:
            super().__init__()
            self.body = _load(folder).audio_spectrogram_transformer

        def forward(self, mel: torch.Tensor) -> torch.Tensor:
            pooled: torch.Tensor = self.body(mel).pooler_output
            return pooled

    return Pooled()


def spectrogram_transformer(folder: Path) -> SpectrogramTransformer:
    """The model in a folder of transformers' layout."""
    from transformers import ASTConfig

    weights = content(folder)
    card = Card(
        name=NAME,
        sense="sound",
        dim=ASTConfig.from_pretrained(folder, local_files_only=True).hidden_size,
        licence="BSD-3-Clause",
        weights=f"huggingface.co/{REPO}",
        data="ImageNet-1k, then AudioSet",
        sha256=sha256(weights) if weights else "",
        rate=RATE,
    )
    return SpectrogramTransformer(card, folder)


def ast_audioset() -> SpectrogramTransformer:
    """The published model (mAP .459), 768-d. Raises MissingBackend where it isn't on this machine."""
    return spectrogram_transformer(model_folder(NAME, REPO))

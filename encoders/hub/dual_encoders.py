"""Dual encoders: a text tower and a media tower of one of transformers' contrastive models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.base import AffectError, Audio, EncoderCard, Frames, Modality, Rows, to_printable, unit_rows
from encoders.files import compute_sha256
from encoders.hub.weights import find_model_weights
from encoders.logmel import Array
from encoders.minilm import hide_transformers_progress
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    import torch

Preprocessor = Callable[[Any], Array | None]


@dataclass(frozen=True, kw_only=True)
class DualEncoderSpec:
    """Configuration of a dual encoder.

    model_class:       name of the class in transformers
    media_method:      name of the model's method that embeds media
    load_preprocessor: folder -> (item -> inputs (k, ...) of the media tower, or None to abstain)
    make_example:      a synthetic item with two or more inputs, for tracing
    """

    name: str
    repo: str
    modality: Modality
    licence: str
    training_data: str
    model_class: str
    media_method: str
    load_preprocessor: Callable[[Path], Preprocessor]
    make_example: Callable[[], Frames | Audio]
    sample_rate: int | None = None


@dataclass(frozen=True)
class DualEncoder:
    """Media rows by `encode`, text rows by `encode_text`, both (n, dim) in the same space.

    An item's row is the mean over its frames or windows, each taken at length 1.
    """

    card: EncoderCard
    spec: DualEncoderSpec
    folder: Path

    @cached_property
    def preprocess(self) -> Preprocessor:
        """An item to inputs (k, ...) of the media tower; None for silence or no frames."""
        return self.spec.load_preprocessor(self.folder)

    @cached_property
    def _media_network(self) -> Network:
        example = self.preprocess(self.spec.make_example())
        return self._load_tower(
            "media", lambda: _build_media_tower(self.spec, self.folder), [example], [{0: "n"}]
        )

    @cached_property
    def _text_network(self) -> Network:
        axes = {0: "n", 1: "length"}
        example = self.tokenize(["a photo of a dog", "the sound of a cat"])
        return self._load_tower(
            "text", lambda: _build_text_tower(self.spec, self.folder), example, [axes, axes]
        )

    def _load_tower(
        self,
        tower_name: str,
        build: Callable[[], torch.nn.Module],
        example_inputs: Sequence[Any],
        dynamic_axes: Sequence[dict[int, str]],
    ) -> Network:
        return load_network(f"{tower_name}-{self.card.cache_key}", build, example_inputs, dynamic_axes)

    def encode(self, items: Sequence[Frames | Audio]) -> Rows:
        """Rows (n, dim), raw; NaN for silence or an item without frames."""
        rows = np.full((len(items), self.card.dim), np.nan, np.float32)
        for i, item in enumerate(items):
            inputs = self.preprocess(item)
            if inputs is not None:
                rows[i] = unit_rows(self._media_network(inputs)[0]).mean(axis=0)
        return rows

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder, local_files_only=True)

    def tokenize(self, texts: Sequence[str]) -> list[Any]:
        """Token ids and mask, (n, length) int64 each, padded to the longest, cut at the model's limit."""
        encodings = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="np")
        return [encodings["input_ids"].astype(np.int64), encodings["attention_mask"].astype(np.int64)]

    def encode_text(self, texts: Sequence[str]) -> Rows:
        """Rows (n, dim) in the space of `encode`; NaN where the text is blank."""
        rows = np.full((len(texts), self.card.dim), np.nan, np.float32)
        nonblank = [i for i, text in enumerate(texts) if text.strip()]
        if nonblank:
            rows[nonblank] = unit_rows(self._text_network(*self.tokenize([texts[i] for i in nonblank]))[0])
        return rows


def _load_model(spec: DualEncoderSpec, folder: Path) -> Any:
    import transformers

    with hide_transformers_progress():
        model, loading = getattr(transformers, spec.model_class).from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    if absent := sorted(loading["missing_keys"]):  # which transformers draws at random
        raise AffectError(
            f"{to_printable(folder)}: not the weights of a {spec.model_class}: lacks {len(absent)}, such as "
            f"{absent[0]}"
        )
    return model.eval()


def _build_media_tower(spec: DualEncoderSpec, folder: Path) -> torch.nn.Module:
    import torch

    class MediaTower(torch.nn.Module):
        """Inputs (n, ...) to embeddings (n, dim)."""

        def __init__(self) -> None:
            super().__init__()
            self.model = _load_model(spec, folder)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            embeddings: torch.Tensor = getattr(self.model, spec.media_method)(inputs).pooler_output
            return embeddings

    return MediaTower()


def _build_text_tower(spec: DualEncoderSpec, folder: Path) -> torch.nn.Module:
    import torch

    class TextTower(torch.nn.Module):
        """Token ids and mask (n, length) to embeddings (n, dim)."""

        def __init__(self) -> None:
            super().__init__()
            self.model = _load_model(spec, folder)

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            embeddings: torch.Tensor = self.model.get_text_features(ids, attention_mask=mask).pooler_output
            return embeddings

    return TextTower()


def load_dual_encoder(spec: DualEncoderSpec, folder: Path) -> DualEncoder:
    """The model in a folder of transformers' layout."""
    from transformers import AutoConfig

    weights = find_model_weights(folder)
    card = EncoderCard(
        name=spec.name,
        modality=spec.modality,
        dim=AutoConfig.from_pretrained(folder, local_files_only=True).projection_dim,
        licence=spec.licence,
        weights_source=f"huggingface.co/{spec.repo}",
        training_data=spec.training_data,
        sha256=compute_sha256(weights) if weights else "",
        sample_rate=spec.sample_rate,
    )
    return DualEncoder(card, spec, folder)

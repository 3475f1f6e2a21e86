"""Two towers into one space, one for words and one for media, on transformers' contrastive models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.base import Card, Frames, Rows, Sense, Sound, unit_rows
from encoders.hub.weights import content
from encoders.logmel import Array
from encoders.onnx_runtime import Network, network, sha256

if TYPE_CHECKING:
    import torch

Prepare = Callable[[Any], Array | None]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """All that tells one pair of towers from another.

    model:    name of the class in transformers
    media:    name of the model's method that embeds media
    prepare:  folder -> (item -> inputs (k, ...) of the media tower, or None to abstain)
    trial:    a made-up item with two or more inputs, for tracing
    """

    name: str
    repo: str
    sense: Sense
    licence: str
    data: str
    model: str
    media: str
    prepare: Callable[[Path], Prepare]
    trial: Callable[[], Frames | Sound]
    rate: int | None = None


@dataclass(frozen=True)
class Towers:
    """Media rows by `encode`, word rows by `encode_text`, both (n, dim) in the same space.

    An item's row is the mean over its frames or windows, each taken at length 1.
    """

    card: Card
    pair: Pair
    folder: Path

    @cached_property
    def prepare(self) -> Prepare:
        """An item to inputs (k, ...) of the media tower; None for silence or no frames."""
        return self.pair.prepare(self.folder)

    @cached_property
    def _media(self) -> Network:
        example = self.prepare(self.pair.trial())
        return self._tower("media", lambda: _media_tower(self.pair, self.folder), [example], [{0: "n"}])

    @cached_property
    def _text(self) -> Network:
        axes = {0: "n", 1: "length"}
        example = self.tokenize(["a photo of a dog", "the sound of a cat"])
        return self._tower("text", lambda: _text_tower(self.pair, self.folder), example, [axes, axes])

    def _tower(
        self,
        kind: str,
        build: Callable[[], torch.nn.Module],
        example: Sequence[Any],
        axes: Sequence[dict[int, str]],
    ) -> Network:
        return network(f"{kind}-{self.card.key}", build, example, axes)

    def encode(self, items: Sequence[Frames | Sound]) -> Rows:
        """Rows (n, dim), raw; NaN for silence or an item without frames."""
        rows = np.full((len(items), self.card.dim), np.nan, np.float32)
        for i, item in enumerate(items):
            inputs = self.prepare(item)
            if inputs is not None:
                rows[i] = unit_rows(self._media(inputs)[0]).mean(axis=0)
        return rows

    @cached_property
    def _tokens(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.folder, local_files_only=True)

    def tokenize(self, texts: Sequence[str]) -> list[Any]:
        """Token ids and mask, (n, length) int64 each, padded to the longest, cut at the model's limit."""
        coded = self._tokens(list(texts), padding=True, truncation=True, return_tensors="np")
        return [coded["input_ids"].astype(np.int64), coded["attention_mask"].astype(np.int64)]

    def encode_text(self, texts: Sequence[str]) -> Rows:
        """Rows (n, dim) in the space of `encode`; NaN where the text is blank."""
        rows = np.full((len(texts), self.card.dim), np.nan, np.float32)
        said = [i for i, text in enumerate(texts) if text.strip()]
        if said:
            rows[said] = unit_rows(self._text(*self.tokenize([texts[i] for i in said]))[0])
        return rows


def _model(pair: Pair, folder: Path) -> Any:
    import transformers

    return getattr(transformers, pair.model).from_pretrained(folder, local_files_only=True).eval()


def _media_tower(pair: Pair, folder: Path) -> torch.nn.Module:
    import torch

    class Media(torch.nn.Module):
        """Inputs (n, ...) to embeddings (n, dim)."""

        def __init__(self) -> None:
            super().__init__()
            self.model = _model(pair, folder)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            embedded: torch.Tensor = getattr(self.model, pair.media)(inputs).pooler_output
            return embedded

    return Media()


def _text_tower(pair: Pair, folder: Path) -> torch.nn.Module:
    import torch

    class Text(torch.nn.Module):
        """Token ids and mask (n, length) to embeddings (n, dim)."""

        def __init__(self) -> None:
            super().__init__()
            self.model = _model(pair, folder)

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            embedded: torch.Tensor = self.model.get_text_features(ids, attention_mask=mask).pooler_output
            return embedded

    return Text()


def towers(pair: Pair, folder: Path) -> Towers:
    """The model in a folder of transformers' layout."""
    from transformers import AutoConfig

    weights = content(folder)
    card = Card(
        name=pair.name,
        sense=pair.sense,
        dim=AutoConfig.from_pretrained(folder, local_files_only=True).projection_dim,
        licence=pair.licence,
        weights=f"huggingface.co/{pair.repo}",
        data=pair.data,
        sha256=sha256(weights) if weights else "",
        rate=pair.rate,
    )
    return Towers(card, pair, folder)

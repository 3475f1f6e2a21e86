"""What heads are trained on: items' rows by role and the texts that tell of them, ready as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders import Rows
from spaces.joint.vocabulary import TokenIds

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Items and texts.

    features: by role (items, d) raw rows, or (items, views, d) where an item is seen in several ways
        (mirrored, cropped), of which training draws one; a row with a NaN is missing
    texts: (texts, d) raw sentence vectors, a row with a NaN is missing; or (texts, length) word numbers,
           zero behind the end
    item_by_text: (texts,) the item each text tells of
    classes: (items,) what a text of one may be of another too, such as its class: items of one kind are no
           negatives of each other; by default each is a kind of its own

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
        """How many."""
        return len(next(iter(self.features.values())))

    @property
    def feature_dims(self) -> dict[str, int]:
        """Columns by role."""
        return {role: rows.shape[-1] for role, rows in self.features.items()}

    @property
    def first_views(self) -> dict[str, Rows]:
        """By role (items, d) each item in its first view, which is how it is seen in use."""
        return {role: rows if rows.ndim == 2 else rows[:, 0] for role, rows in self.features.items()}

    @property
    def sentence_vectors(self) -> Rows:
        """The texts (texts, d) where they are sentence vectors. Raises TypeError for word numbers."""
        if self.texts.dtype.kind != "f":
            raise TypeError("the texts are word numbers, not vectors")
        return np.asarray(self.texts, np.float32)

    @cached_property
    def class_ids(self) -> Ints:
        """(items,) the kind of each."""
        return np.arange(self.item_count) if self.classes is None else self.classes

    @cached_property
    def usable_texts(self) -> Ints:
        """Texts that are there, of items some role says something of: the others teach nothing."""
        seen = np.any([there.any(1).numpy() for _, there in self.feature_tensors.values()], axis=0)
        return np.flatnonzero(seen[self.item_by_text] & ~np.isnan(self.texts).any(1))

    @cached_property
    def feature_tensors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """By role: rows (items, views, d), 0 where missing, and where they are there (items, views)."""
        return {role: _fill_missing(rows) for role, rows in self.features.items()}

    @cached_property
    def text_tensor(self) -> Tensor:
        """The texts, as they are."""
        return torch.from_numpy(np.ascontiguousarray(self.texts))

    def select_roles(self, *roles: str) -> TrainingSet:
        """With these roles alone. Raises KeyError for one that is not here."""
        return replace(self, features={role: self.features[role] for role in roles})

    def select_items(self, item_indices: Ints) -> TrainingSet:
        """Some items, renumbered in the order given, and their texts."""
        place = np.full(self.item_count, -1)
        place[item_indices] = np.arange(len(item_indices))
        kept = np.flatnonzero(place[self.item_by_text] >= 0)
        return TrainingSet(
            features={role: rows[item_indices] for role, rows in self.features.items()},
            texts=self.texts[kept],
            item_by_text=place[self.item_by_text[kept]],
            classes=None if self.classes is None else self.classes[item_indices],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Some texts with their items, one view of each.

    features: by role, rows (n, d), 0 where missing, and where they are there (n,)
    texts: (n, d) or (n, length)
    same_class: (n, n) which pairs are of one kind, and so no negatives of each other
    """

    features: Mapping[str, tuple[Tensor, Tensor]]
    texts: Tensor
    same_class: Tensor


def make_batch(training_set: TrainingSet, text_indices: Tensor, generator: torch.Generator) -> Batch:
    """The pairs of these texts (n,), each item in a view drawn by `generator`."""
    items = torch.from_numpy(training_set.item_by_text)[text_indices]
    media = {}
    for role, (rows, there) in training_set.feature_tensors.items():
        if rows.shape[1] == 1:
            media[role] = rows[items, 0], there[items, 0]
        else:
            view = torch.randint(rows.shape[1], (len(items),), generator=generator)
            media[role] = rows[items, view], there[items, view]
    kinds = torch.from_numpy(training_set.class_ids)[items]
    return Batch(
        features=media,
        texts=trim_padding(training_set.text_tensor[text_indices]),
        same_class=kinds[:, None] == kinds[None, :],
    )


def trim_padding(texts: Tensor) -> Tensor:
    """Word numbers (n, length) without the columns that are padding in every row; vectors as they are."""
    if texts.is_floating_point():
        return texts
    longest = int((texts != 0).sum(1).max())
    return texts[:, :longest]


def _fill_missing(rows: Rows) -> tuple[Tensor, Tensor]:
    views = rows[:, None] if rows.ndim == 2 else rows
    there = np.asarray(~np.isnan(views).any(-1))
    filled = np.where(there[..., None], views, 0).astype(np.float32)
    return torch.from_numpy(filled), torch.from_numpy(there)

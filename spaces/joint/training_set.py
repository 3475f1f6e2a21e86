"""What heads are trained on: items' rows by role and the texts that tell of them, ready as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from encoders.base import Rows
from spaces.joint.vocabulary import Tokens

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Items and texts.

    media: by role (items, d) raw rows, or (items, views, d) where an item is seen in several ways (mirrored,
           cropped), of which training draws one; a row with a NaN is missing
    texts: (texts, d) raw sentence vectors, a row with a NaN is missing; or (texts, length) word numbers,
           zero behind the end
    owner: (texts,) the item each text tells of
    kinds: (items,) what a text of one may be of another too, such as its class: items of one kind are no
           negatives of each other; by default each is a kind of its own

    Raises ValueError for lengths that don't fit.
    """

    media: Mapping[str, Rows]
    texts: Rows | Tokens
    owner: Ints
    kinds: Ints | None = None

    def __post_init__(self) -> None:
        counts = {role: len(rows) for role, rows in self.media.items()}
        if len(set(counts.values())) != 1 or len(self.texts) != len(self.owner):
            raise ValueError(f"{counts} items, {len(self.texts)} texts with {len(self.owner)} owners")
        if len(self.owner) and not 0 <= self.owner.min() <= self.owner.max() < self.items:
            raise ValueError(f"a text's owner lies outside the {self.items} items")
        if self.kinds is not None and self.kinds.shape != (self.items,):
            raise ValueError(f"kinds {self.kinds.shape} of {self.items} items")

    @property
    def items(self) -> int:
        """How many."""
        return len(next(iter(self.media.values())))

    @property
    def widths(self) -> dict[str, int]:
        """Columns by role."""
        return {role: rows.shape[-1] for role, rows in self.media.items()}

    @property
    def plain(self) -> dict[str, Rows]:
        """By role (items, d) each item in its first view, which is how it is seen in use."""
        return {role: rows if rows.ndim == 2 else rows[:, 0] for role, rows in self.media.items()}

    @property
    def vectors(self) -> Rows:
        """The texts (texts, d) where they are sentence vectors. Raises TypeError for word numbers."""
        if self.texts.dtype.kind != "f":
            raise TypeError("the texts are word numbers, not vectors")
        return np.asarray(self.texts, np.float32)

    @cached_property
    def kind(self) -> Ints:
        """(items,) the kind of each."""
        return np.arange(self.items) if self.kinds is None else self.kinds

    @cached_property
    def spoken(self) -> Ints:
        """Texts that are there, of items some role says something of: the others teach nothing."""
        seen = np.any([there.any(1).numpy() for _, there in self.tensors.values()], axis=0)
        return np.flatnonzero(seen[self.owner] & ~np.isnan(self.texts).any(1))

    @cached_property
    def tensors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """By role: rows (items, views, d), 0 where missing, and where they are there (items, views)."""
        return {role: _filled(rows) for role, rows in self.media.items()}

    @cached_property
    def text_tensor(self) -> Tensor:
        """The texts, as they are."""
        return torch.from_numpy(np.ascontiguousarray(self.texts))

    def only(self, *roles: str) -> Material:
        """With these roles alone. Raises KeyError for one that is not here."""
        return replace(self, media={role: self.media[role] for role in roles})

    def part(self, items: Ints) -> Material:
        """Some items, renumbered in the order given, and their texts."""
        place = np.full(self.items, -1)
        place[items] = np.arange(len(items))
        kept = np.flatnonzero(place[self.owner] >= 0)
        return Material(
            media={role: rows[items] for role, rows in self.media.items()},
            texts=self.texts[kept],
            owner=place[self.owner[kept]],
            kinds=None if self.kinds is None else self.kinds[items],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Some texts with their items, one view of each.

    media: by role, rows (n, d), 0 where missing, and where they are there (n,)
    texts: (n, d) or (n, length)
    same:  (n, n) which pairs are of one kind, and so no negatives of each other
    """

    media: Mapping[str, tuple[Tensor, Tensor]]
    texts: Tensor
    same: Tensor


def batch_of(material: Material, texts: Tensor, views: torch.Generator) -> Batch:
    """The pairs of these texts (n,), each item in a view drawn by `views`."""
    items = torch.from_numpy(material.owner)[texts]
    media = {}
    for role, (rows, there) in material.tensors.items():
        if rows.shape[1] == 1:
            media[role] = rows[items, 0], there[items, 0]
        else:
            view = torch.randint(rows.shape[1], (len(items),), generator=views)
            media[role] = rows[items, view], there[items, view]
    kinds = torch.from_numpy(material.kind)[items]
    return Batch(
        media=media, texts=trimmed(material.text_tensor[texts]), same=kinds[:, None] == kinds[None, :]
    )


def trimmed(texts: Tensor) -> Tensor:
    """Word numbers (n, length) without the columns that are padding in every row; vectors as they are."""
    if texts.is_floating_point():
        return texts
    longest = int((texts != 0).sum(1).max())
    return texts[:, :longest]


def _filled(rows: Rows) -> tuple[Tensor, Tensor]:
    views = rows[:, None] if rows.ndim == 2 else rows
    there = np.asarray(~np.isnan(views).any(-1))
    filled = np.where(there[..., None], views, 0).astype(np.float32)
    return torch.from_numpy(filled), torch.from_numpy(there)

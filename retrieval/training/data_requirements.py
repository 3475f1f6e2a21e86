"""What captions a space needs to learn from, and what of that is there: known before any work begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]

FOLDS = 4  # parts that are held out in turn, whole groups at a time
LEAST_ITEMS = 40  # below which nothing can be learnt that would hold
LEAST_KINDS = 2 * FOLDS  # of what is said, so that every fold tells some apart
NEEDS = f"{LEAST_ITEMS} items in {FOLDS} groups, with {LEAST_KINDS} captions that differ"


@dataclass(frozen=True, kw_only=True)
class Supply:
    """What one space could learn from: items with its features, their captions, groups and kinds.

    kinds: items of which the very same is said are of one kind
    """

    space: str
    items: int
    captions: int
    groups: int
    kinds: int

    @property
    def suffices(self) -> bool:
        """Whether the space can learn from it."""
        return self.items >= LEAST_ITEMS and self.groups >= FOLDS and self.kinds >= LEAST_KINDS

    def describe(self) -> str:
        """Such as "object: 347 items in 320 groups, with 300 captions that differ"."""
        items = f"{self.items} items in {self.groups} groups"
        return f"{self.space}: {items}, with {self.kinds} captions that differ"

    @property
    def why_not(self) -> str:
        """Why the space can't learn; empty where it can."""
        return "" if self.suffices else f"too little to learn from: needs {NEEDS}"


def measure_supply(
    space: str, captions: Sequence[Sequence[str]], groups: Sequence[str]
) -> Supply:  # fmt: skip
    """Count what there is of the items (n,) of which a space has features."""
    texts = [caption for said in captions for caption in said]
    owner = np.repeat(np.arange(len(captions)), [len(said) for said in captions])
    kinds = len(set(caption_kinds(texts, owner, len(captions)).tolist()))
    return Supply(space=space, items=len(captions), captions=len(texts), groups=len(set(groups)), kinds=kinds)


def caption_kinds(texts: Sequence[str], owner: Ints, items: int) -> Ints:
    """(items,) numbers; items of which the very same is said, such as a class word, are of one kind."""
    if not texts:
        return np.arange(items)
    number = np.unique([text.casefold() for text in texts], return_inverse=True)[1]
    size = items + int(number.max()) + 1
    said = csr_array((np.ones(len(texts)), (owner, items + number)), shape=(size, size))
    return np.asarray(connected_components(said, directed=False)[1][:items], np.int64)

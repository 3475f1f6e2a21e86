"""What captions a space needs to learn from, and what of that is there: known before any work begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]

FOLD_COUNT = 4  # parts that are held out in turn, whole groups at a time
MIN_ITEMS = 40  # below which nothing can be learnt that would hold
MIN_DISTINCT_CAPTIONS = 2 * FOLD_COUNT  # of what is said, so that every fold tells some apart
REQUIREMENTS_TEXT = (
    f"{MIN_ITEMS} items in {FOLD_COUNT} groups, with {MIN_DISTINCT_CAPTIONS} captions that differ"
)


@dataclass(frozen=True, kw_only=True)
class TrainingDataCounts:
    """What one space could learn from: items with its features, their captions, groups and kinds.

    distinct_caption_count: items of which the very same is said are of one kind
    """

    space: str
    item_count: int
    caption_count: int
    group_count: int
    distinct_caption_count: int

    @property
    def is_sufficient(self) -> bool:
        """Whether the space can learn from it."""
        return (
            self.item_count >= MIN_ITEMS
            and self.group_count >= FOLD_COUNT
            and self.distinct_caption_count >= MIN_DISTINCT_CAPTIONS
        )

    def describe(self) -> str:
        """Such as "object: 347 items in 320 groups, with 300 captions that differ"."""
        items = f"{self.item_count} items in {self.group_count} groups"
        return f"{self.space}: {items}, with {self.distinct_caption_count} captions that differ"

    @property
    def insufficiency_reason(self) -> str:
        """Why the space can't learn; empty where it can."""
        return "" if self.is_sufficient else f"too little to learn from: needs {REQUIREMENTS_TEXT}"


def count_training_data(
    space: str, captions: Sequence[Sequence[str]], groups: Sequence[str]
) -> TrainingDataCounts:  # fmt: skip
    """Count what there is of the items (n,) of which a space has features."""
    texts = [caption for said in captions for caption in said]
    owner = np.repeat(np.arange(len(captions)), [len(said) for said in captions])
    kinds = len(set(assign_caption_classes(texts, owner, len(captions)).tolist()))
    return TrainingDataCounts(
        space=space,
        item_count=len(captions),
        caption_count=len(texts),
        group_count=len(set(groups)),
        distinct_caption_count=kinds,
    )


def assign_caption_classes(captions: Sequence[str], item_by_caption: Ints, item_count: int) -> Ints:
    """(items,) numbers; items of which the very same is said, such as a class word, are of one kind."""
    if not captions:
        return np.arange(item_count)
    number = np.unique([text.casefold() for text in captions], return_inverse=True)[1]
    size = item_count + int(number.max()) + 1
    said = csr_array((np.ones(len(captions)), (item_by_caption, item_count + number)), shape=(size, size))
    return np.asarray(connected_components(said, directed=False)[1][:item_count], np.int64)

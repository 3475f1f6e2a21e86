"""Splits by group: all items of a series, an actor or a theme are in one split."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

MAX_SIZES_SHOWN = 9  # of groups, the largest first, in a message; there are fewer than splits


def split_by_group(
    groups: Sequence[Hashable], split_weights: Mapping[str, float], seed: int
) -> npt.NDArray[np.str_]:
    """(n,) the split of each item; every split with a weight has an item.

    groups:        (n,) the group of each item
    split_weights: weight of each split by name; whole groups, in random order, go to the split that lacks
                   most. Where that leaves a split empty, as when one group is very large, groups go by size,
                   the largest first, and the last ones to splits that are still empty.

    Raises ValueError for weights that are negative, not finite or all zero, and for fewer groups than splits.
    """
    weights = {name: weight for name, weight in split_weights.items() if weight}
    if not weights or not all(math.isfinite(weight) and weight > 0 for weight in weights.values()):
        raise ValueError(f"shares {dict(split_weights)}; they must be positive")
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    rows_by_group = list(members.values())
    sizes = [len(rows) for rows in rows_by_group]
    if len(sizes) < len(weights):
        raise ValueError(_format_shortage(sizes, list(weights)))
    order = np.random.default_rng(seed).permutation(len(sizes)).tolist()
    split_by_number = _assign_to_largest_lack(order, sizes, weights)
    if len(set(split_by_number.values())) < len(weights):
        by_size = sorted(order, key=lambda number: -sizes[number])
        split_by_number = _assign_to_largest_lack(by_size, sizes, weights, fill_all=True)
    splits = np.empty(len(groups), f"U{max(map(len, split_weights))}")
    for number, split in split_by_number.items():
        splits[rows_by_group[number]] = split
    return splits


def make_group_folds(groups: Sequence[Hashable], fold_count: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Item numbers of `fold_count` folds of about the same size, none empty.

    Raises ValueError for fewer groups than folds.
    """
    split = split_by_group(groups, {str(fold): 1.0 for fold in range(fold_count)}, seed)
    return [np.flatnonzero(split == str(fold)) for fold in range(fold_count)]


def _assign_to_largest_lack(
    order: Sequence[int], sizes: Sequence[int], weights: Mapping[str, float], *, fill_all: bool = False
) -> dict[int, str]:
    """The split of each group by its number: in this order, each goes to the split that lacks most items.

    fill_all: keep the last groups for splits that have none
    """
    total = sum(weights.values())
    remaining = {name: weight * sum(sizes) / total for name, weight in weights.items()}
    empty, split_by_number = set(weights), dict[int, str]()
    for place, number in enumerate(order):
        must_fill = fill_all and len(order) - place <= len(empty)
        candidates = [name for name in remaining if name in empty] if must_fill else list(remaining)
        split = max(candidates, key=lambda name: remaining[name])
        split_by_number[number] = split
        remaining[split] -= sizes[number]
        empty.discard(split)
    return split_by_number


def _format_shortage(sizes: Sequence[int], split_names: Sequence[str]) -> str:
    """Why these groups can't be split, and what to do."""
    shown = ", ".join(map(str, sorted(sizes, reverse=True)[:MAX_SIZES_SHOWN])) or "none"
    return (
        f"{len(sizes)} groups can't fill {len(split_names)} splits ({', '.join(split_names)}); "
        f"items in each: {shown}; name more groups, or fewer splits"
    )

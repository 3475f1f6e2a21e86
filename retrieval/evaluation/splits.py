"""Splits by group: all items of a series, an actor or a theme are in one split."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt


def split_by_group(
    groups: Sequence[Hashable], split_weights: Mapping[str, float], seed: int
) -> npt.NDArray[np.str_]:
    """(n,) the split of each item.

    groups:        (n,) the group of each item
    split_weights: weight of each split by name; whole groups, in random order, go to the split that lacks
                   most

    Raises ValueError for weights that are negative or all zero, and for fewer groups than splits.
    """
    if not split_weights or min(split_weights.values()) < 0 or not sum(split_weights.values()):
        raise ValueError(f"shares {dict(split_weights)}; they must be positive")
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    remaining = {
        name: weight * len(groups) / sum(split_weights.values())
        for name, weight in split_weights.items()
        if weight
    }
    if len(members) < len(remaining):
        raise ValueError(f"{len(members)} groups can't fill {len(remaining)} splits")
    splits = np.empty(len(groups), f"U{max(map(len, split_weights))}")
    order = np.random.default_rng(seed).permutation(len(members))
    for rows in (list(members.values())[index] for index in order):
        split = max(remaining, key=lambda name: remaining[name])
        splits[rows] = split
        remaining[split] -= len(rows)
    return splits


def make_group_folds(groups: Sequence[Hashable], fold_count: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Item numbers of `fold_count` folds of about the same size. Raises ValueError for too few groups."""
    split = split_by_group(groups, {str(fold): 1.0 for fold in range(fold_count)}, seed)
    return [np.flatnonzero(split == str(fold)) for fold in range(fold_count)]

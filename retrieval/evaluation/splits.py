"""Splits whose groups never cross: a series, an actor or a theme is on one side only."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt


def split_by_group(
    groups: Sequence[Hashable], split_weights: Mapping[str, float], seed: int
) -> npt.NDArray[np.str_]:
    """(n,) the split of each item; all items of a group are in one split.

    groups: (n,) the group of each item
    split_weights: weight of each split by name; whole groups, drawn in random order, go where most is lacking

    Raises ValueError for shares that are negative or all zero, and for fewer groups than splits.
    """
    if not split_weights or min(split_weights.values()) < 0 or not sum(split_weights.values()):
        raise ValueError(f"shares {dict(split_weights)}; they must be positive")
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    wanted = {
        name: share * len(groups) / sum(split_weights.values())
        for name, share in split_weights.items()
        if share
    }
    if len(members) < len(wanted):
        raise ValueError(f"{len(members)} groups can't fill {len(wanted)} splits")
    splits = np.empty(len(groups), f"U{max(map(len, split_weights))}")
    order = np.random.default_rng(seed).permutation(len(members))
    for rows in (list(members.values())[index] for index in order):
        poorest = max(wanted, key=lambda name: wanted[name])
        splits[rows] = poorest
        wanted[poorest] -= len(rows)
    return splits


def make_group_folds(groups: Sequence[Hashable], fold_count: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Item numbers of `fold_count` folds of about the same size. Raises ValueError for too few groups."""
    split = split_by_group(groups, {str(fold): 1.0 for fold in range(fold_count)}, seed)
    return [np.flatnonzero(split == str(fold)) for fold in range(fold_count)]

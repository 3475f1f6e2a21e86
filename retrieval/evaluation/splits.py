"""Splits whose groups never cross: a series, an actor or a theme is on one side only."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt


def grouped_split(groups: Sequence[Hashable], shares: Mapping[str, float], seed: int) -> npt.NDArray[np.str_]:
    """(n,) the split of each item; all items of a group are in one split.

    groups: (n,) the group of each item
    shares: weight of each split by name; whole groups, drawn in random order, go where most is lacking

    Raises ValueError for shares that are negative or all zero, and for fewer groups than splits.
    """
    if not shares or min(shares.values()) < 0 or not sum(shares.values()):
        raise ValueError(f"shares {dict(shares)}; they must be positive")
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    wanted = {name: share * len(groups) / sum(shares.values()) for name, share in shares.items() if share}
    if len(members) < len(wanted):
        raise ValueError(f"{len(members)} groups can't fill {len(wanted)} splits")
    splits = np.empty(len(groups), f"U{max(map(len, shares))}")
    order = np.random.default_rng(seed).permutation(len(members))
    for rows in (list(members.values())[index] for index in order):
        poorest = max(wanted, key=lambda name: wanted[name])
        splits[rows] = poorest
        wanted[poorest] -= len(rows)
    return splits


def folds(groups: Sequence[Hashable], count: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Item numbers of each of `count` folds of about the same size. Raises ValueError for too few groups."""
    split = grouped_split(groups, {str(fold): 1.0 for fold in range(count)}, seed)
    return [np.flatnonzero(split == str(fold)) for fold in range(count)]

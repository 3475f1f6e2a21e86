"""The balanced merge of result lists: nearest first, without one modality crowding out the others.

The circumplex report (section 7.2) has one ascending list of distances per modality, repeatedly takes the
nearest head, and multiplies the rest of that list by a constant c. Item j of a list has been multiplied j
times when it is the head, so its key is d_j * c^j, and one stable sort of all keys gives the report's order
without a loop.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Distances = npt.NDArray[np.floating]
Keys = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

MAX_FACTOR, MIN_FACTOR = 1e300, 1e-300  # beyond these a power times a zero or infinite distance is NaN
SAFE_FACTOR = 1e50  # up to here no product of distances that mean anything leaves double precision


def balanced_merge(
    distance_lists: Sequence[Distances], k: int, balance_factor: float = 1.1
) -> tuple[Positions, Positions]:
    """The first k results as (list number, position in that list), two int64 arrays (<= k,).

    distance_lists: one ascending array (n_i,) of distances >= 0 per modality, in comparable (calibrated)
                    units
    balance_factor: c > 1 alternates the modalities, c = 1 is a plain merge, c < 1 stays with the first
                    modality

    The order inside a list does not change. Of equal keys the earlier list comes first. A zero distance is
    never demoted. Fewer than k are returned only where the lists have fewer.

    Raises ValueError for c not positive and finite, k < 0, or a list that is not one-dimensional, has a
    negative or NaN distance, or does not ascend.
    """
    count = validate_count(k)
    rows = [np.asarray(distances, np.float64) for distances in distance_lists]
    if {row.ndim for row in rows} != {1}:
        rows = [validate_distances(row) for row in rows] or [np.empty(0)]
    heads = [row[:count] for row in rows]
    layout = make_layout(tuple(map(len, heads)), balance_factor)
    distances = np.concatenate(heads)
    keys = compute_merge_keys(distances, layout)
    order = keys.argsort(kind="stable")
    if not _are_valid(distances, layout, keys, order):
        for head in heads:
            validate_distances(head)
    shown = order[:count]
    return layout.list_numbers.take(shown), layout.places.take(shown)


@dataclass(frozen=True, eq=False, kw_only=True)
class Layout:
    """Lists of some sizes one after the other, n items in all.

    factors:      (n,) c to the power of each item's place in its list
    list_numbers, places: (n,) the list of each item, and its place in it
    ends:         positions of the last items of lists that another follows
    slices:       each list; empty where the keys ascend by themselves, as for c >= 1
    may_overflow: whether the factors are so large or small that products of distances can be infinite or 0
    """

    factors: Keys
    list_numbers: Positions
    places: Positions
    ends: list[int]
    slices: list[slice]
    may_overflow: bool


@functools.lru_cache(maxsize=8)
def make_layout(sizes: tuple[int, ...], balance_factor: float) -> Layout:
    """The layout of lists of these sizes: searches ask for few, and making one takes longer than a merge.

    Raises ValueError for c not positive and finite.
    """
    validate_factor(balance_factor)
    ends = np.cumsum([0, *sizes]).tolist()
    slices = [slice(start, end) for start, end in pairwise(ends)]
    powers = compute_factor_powers(balance_factor, max(sizes, default=0))
    return Layout(
        factors=np.concatenate([powers[:size] for size in sizes]),
        list_numbers=np.repeat(np.arange(len(sizes)), sizes),
        places=np.concatenate([np.arange(size) for size in sizes]),
        ends=[end - 1 for end in ends[1:-1] if 0 < end < ends[-1]],
        slices=[] if balance_factor >= 1 else slices,
        may_overflow=bool(len(powers)) and not 1 / SAFE_FACTOR < powers[-1] < SAFE_FACTOR,
    )


def compute_merge_keys(distances: Keys, layout: Layout) -> Keys:
    """(n,) keys d_j * c^j that sort in the order of the report's loop.

    With c < 1 the products may decrease, but the loop takes no item before those ahead of it in its list;
    hence the running maximum.
    """
    if layout.may_overflow:
        with np.errstate(over="ignore", under="ignore"):
            keys = distances * layout.factors
    else:
        keys = distances * layout.factors
    for part in layout.slices:
        np.maximum.accumulate(keys[part], out=keys[part])
    return keys


def _are_valid(distances: Keys, layout: Layout, keys: Keys, order: Positions) -> bool:
    """Whether every list ascends from 0 or more without NaN; of all lists at once, which is faster.

    First distances are their own keys, and NaN sort to the end.
    """
    if not len(order):
        return True
    is_ascending = distances[1:] >= distances[:-1]
    for end in layout.ends:
        is_ascending[end] = True
    least, largest = keys[order[0]], keys[order[-1]]
    return bool(least >= 0 and largest == largest) and np.count_nonzero(is_ascending) == len(order) - 1


def compute_factor_powers(balance_factor: float, count: int) -> Keys:
    """(count,) c^0, c^1, ... by repeated multiplication, clipped to [MIN_FACTOR, MAX_FACTOR].

    c ** arange would round differently from the loop and change the order of equal keys.
    """
    with np.errstate(over="ignore", under="ignore"):
        steps = np.concatenate([np.ones(min(count, 1)), np.full(max(count - 1, 0), balance_factor)])
        return np.clip(np.multiply.accumulate(steps), MIN_FACTOR, MAX_FACTOR)


def validate_count(k: int) -> int:
    """`k` as an int >= 0, else ValueError, or TypeError for a number that is not whole."""
    if operator.index(k) < 0:
        raise ValueError(f"k must be >= 0, not {k}")
    return operator.index(k)


def validate_factor(balance_factor: float) -> float:
    """`balance_factor` as a float, ValueError unless 0 < c < infinity."""
    if not 0 < balance_factor < float("inf"):
        raise ValueError(f"the balance factor c must be positive and finite, not {balance_factor}")
    return float(balance_factor)


def validate_distances(distances: Distances) -> Keys:
    """A float64 (n,) array of ascending distances >= 0, else ValueError."""
    row = np.asarray(distances, np.float64)
    if row.ndim != 1:
        raise ValueError(f"a list of distances has one dimension, not {row.ndim}")
    if not (row >= 0).all():
        raise ValueError("a distance is negative or NaN; drop what is missing before merging")
    if (row[1:] < row[:-1]).any():
        raise ValueError("distances must ascend; these are perhaps similarities")
    return row

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

import numpy as np
import numpy.typing as npt

Distances = npt.NDArray[np.floating]
Keys = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

MAX_FACTOR, MIN_FACTOR = 1e300, 1e-300  # beyond these a power times a zero or infinite distance is NaN


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
    factors = compute_factor_powers(validate_factor(balance_factor), count)
    heads = [validate_distances(distances)[:count] for distances in distance_lists]
    keys = np.concatenate([np.empty(0), *(compute_merge_keys(head, factors) for head in heads)])
    order = np.argsort(keys, kind="stable")[:count]
    sizes = [len(head) for head in heads]
    starts = np.cumsum([0, *sizes])
    list_numbers = np.repeat(np.arange(len(sizes)), sizes)[order]
    return list_numbers, order - starts[list_numbers]


def compute_merge_keys(distances: Distances, factors: Keys) -> Keys:
    """(n,) keys d_j * c^j that sort in the order of the report's loop; `factors` are the powers of c.

    With c < 1 the products may decrease, but the loop takes no item before those ahead of it in its list;
    hence the running maximum.
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.maximum.accumulate(distances * factors[: len(distances)])


@functools.lru_cache(maxsize=32)
def compute_factor_powers(balance_factor: float, count: int) -> Keys:
    """(count,) c^0, c^1, ... by repeated multiplication, clipped to [MIN_FACTOR, MAX_FACTOR]; read-only.

    c ** arange would round differently from the loop and change the order of equal keys.
    """
    with np.errstate(over="ignore", under="ignore"):
        steps = np.concatenate([np.ones(min(count, 1)), np.full(max(count - 1, 0), balance_factor)])
        factors = np.clip(np.multiply.accumulate(steps), MIN_FACTOR, MAX_FACTOR)
    factors.flags.writeable = False
    return factors


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

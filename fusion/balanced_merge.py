"""The balanced merge: near results first, but no modality may crowd out the others.

The circumplex report (seed 003, section 7.2) keeps one ascending list of distances a modality, always
takes the nearest head, and multiplies what remains of that list by a constant c. Walking it item by item
is not needed: item j of a list has been multiplied j times when its turn comes, so its key is d_j * c^j
and one stable sort of all keys gives the report's order.
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

MAX_FACTOR, MIN_FACTOR = (
    1e300,
    1e-300,
)  # beyond these a power would turn a zero distance, or an infinite one, into NaN


def balanced_merge(
    distance_lists: Sequence[Distances], k: int, balance_factor: float = 1.1
) -> tuple[Positions, Positions]:
    """Where the first k results come from: (list number, place in that list), two int64 arrays of (<=k,).

    `distance_lists` holds one ascending (n_i,) array of distances >= 0 for each modality, in comparable
    units: calibrate before merging. c > 1 alternates the modalities, c = 1 is a plain merge, c < 1 stays
    with the modality it began with. The order inside a list is kept. Of equal keys the earlier list goes
    first. A zero distance is never pushed away. Fewer than k come back only when the lists hold fewer.

    Raises ValueError for c not positive and finite, k < 0, or a list that is not one-dimensional, has a
    negative or NaN distance, or does not ascend.
    """
    count = validate_count(k)
    factors = compute_factor_powers(validate_factor(balance_factor), count)
    heads = [validate_distances(one)[:count] for one in distance_lists]
    keys = np.concatenate([np.empty(0), *(compute_merge_keys(head, factors) for head in heads)])
    chosen = np.argsort(keys, kind="stable")[:count]
    sizes = [len(head) for head in heads]
    starts = np.cumsum([0, *sizes])
    which = np.repeat(np.arange(len(sizes)), sizes)[chosen]
    return which, chosen - starts[which]


def compute_merge_keys(distances: Distances, factors: Keys) -> Keys:
    """(n,) keys d_j * c^j that sort as the report's loop picks; `factors` are the powers of c.

    With c < 1 the keys may fall, but the loop can't reach an item before those ahead of it: whatever
    follows a large head comes right after it, which is what the running maximum says.
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.maximum.accumulate(distances * factors[: len(distances)])


@functools.lru_cache(maxsize=32)
def compute_factor_powers(balance_factor: float, count: int) -> Keys:
    """(count,) c^0, c^1, ... as repeated multiplication, kept within [1e-300, 1e300]; read-only.

    Not c ** arange: that rounds differently from the loop, and then equal keys come out in another order.
    """
    with np.errstate(over="ignore", under="ignore"):
        steps = np.concatenate([np.ones(min(count, 1)), np.full(max(count - 1, 0), balance_factor)])
        factors = np.clip(np.multiply.accumulate(steps), MIN_FACTOR, MAX_FACTOR)
    factors.flags.writeable = False
    return factors


def validate_count(k: int) -> int:
    """`k` as an int >= 0, else ValueError (TypeError for what is no whole number)."""
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

"""Reciprocal rank fusion (Cormack, Clarke & Buettcher 2009, "Reciprocal rank fusion outperforms Condorcet
and individual rank learning methods")."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

RANK_CONSTANT = 60
"""The paper's k, fixed there on pilot data and of little influence."""


def compute_reciprocal_ranks(scores: npt.ArrayLike, items: npt.NDArray[np.integer[Any]]) -> Scores:
    """(n,) (k + 1) / (k + rank), 1 for the best and above 0; NaN where the score is missing.

    scores: (n,) of one space, NaN where it abstains
    items:  (n,) the item that each row, such as a segment, belongs to

    The rank is 1 more than the number of other items whose best row scores higher, so that a film of many
    segments takes one place and not many; of items that score the same each takes the mean of their places.
    The paper's 1 / (k + rank) is this times a constant, which no order depends on.
    """
    values = np.asarray(scores, np.float64)
    is_known = ~np.isnan(values)
    _, numbers = np.unique(items, return_inverse=True)
    best = np.full(len(values), -np.inf)
    np.maximum.at(best, numbers[is_known], values[is_known])
    own_best = best[numbers]
    ascending = np.sort(best[best > -np.inf])
    after_ties = np.searchsorted(ascending, values, "right")
    greater = len(ascending) - after_ties - (own_best > values)
    equal = after_ties - np.searchsorted(ascending, values, "left") - (own_best == values)
    rank = 1 + greater + equal / 2
    return np.where(is_known, (RANK_CONSTANT + 1) / (RANK_CONSTANT + rank), np.nan)

"""Exposure of modalities in a merged list, and the balance factor that gives each a wanted share.

The exposure of a rank j from 1 is 1 / log2(1 + j), as in Singh & Joachims 2018, "Fairness of exposure in
rankings"; a modality's share is its part of the exposure of the first k results.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fusion.balanced_merge import Distances, balanced_merge, validate_distances

Shares = npt.NDArray[np.float64]

FACTOR_COUNT = 129  # factors that are tried, in equal ratios
MAX_CHOSEN_FACTOR = 1e6
SHARE_TOLERANCE = 1e-9  # rounding of sums of shares


def compute_exposure_shares(list_numbers: npt.ArrayLike, list_count: int) -> Shares:
    """(list_count,) shares of the exposure, which sum to 1; NaN without results.

    list_numbers: (k,) the list that each result comes from, best first
    """
    numbers = np.asarray(list_numbers, np.int64)
    exposure = 1 / np.log2(2 + np.arange(len(numbers)))
    by_list = np.bincount(numbers, exposure, minlength=list_count)
    return by_list / by_list.sum() if len(numbers) else np.full(list_count, np.nan)


def choose_balance_factor(
    distance_lists: Sequence[Distances], k: int, least_shares: Sequence[float]
) -> float:
    """The least c >= 1 with which every list has its least share of the exposure in `balanced_merge`.

    The larger c, the more the order leaves that of the distances, so the least c costs least relevance. Where
    no c gives all shares, as one list is too short, the one with the smallest sum of what is lacking. A share
    need not grow with c, so c is searched among FACTOR_COUNT values in equal ratios, from 1 to the one beyond
    which the lists take turns whatever their distances.

    distance_lists, k: as for `balanced_merge`, which raises its errors
    least_shares: for each list, 0 where none is asked for

    Raises ValueError for another number of shares than lists, shares outside [0, 1], or a sum above 1.
    """
    wanted = np.asarray(least_shares, np.float64)
    if wanted.shape != (len(distance_lists),):
        raise ValueError(f"{len(distance_lists)} lists need as many shares, not {wanted.shape}")
    if not ((wanted >= 0) & (wanted <= 1)).all() or wanted.sum() > 1 + SHARE_TOLERANCE:
        raise ValueError(f"shares must lie in [0, 1] and sum to 1 at most, not {wanted.tolist()}")
    chosen, least_lack = 1.0, np.inf
    for factor in _list_factors(distance_lists):
        shares = compute_exposure_shares(balanced_merge(distance_lists, k, factor)[0], len(wanted))
        lack = float(np.maximum(wanted - np.nan_to_num(shares), 0).sum())
        if lack < least_lack - SHARE_TOLERANCE:
            chosen, least_lack = float(factor), lack
        if lack <= SHARE_TOLERANCE:
            break
    return chosen


def _list_factors(distance_lists: Sequence[Distances]) -> Shares:
    """Factors to try, ascending from 1; at the last any two positive distances change order in one step."""
    rows = [validate_distances(row) for row in distance_lists]
    known = np.concatenate([np.empty(0), *rows])
    known = known[(known > 0) & np.isfinite(known)]
    ratio = float(known.max() / known.min()) if len(known) else 1.0
    return np.geomspace(1, np.clip(1.01 * ratio, 1.01, MAX_CHOSEN_FACTOR), FACTOR_COUNT)

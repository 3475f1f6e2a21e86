"""Metrics over ranks. Ranks are 0-based: 0 is a hit at rank one."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from retrieval.vector_index import validate_k

Floats = npt.NDArray[np.float64]
MedianRule = Literal["floor", "plain"]
RecallAtOneRule = Literal["below", "exact"]


def recall_at(ranks: npt.ArrayLike, k: int, r1_rule: RecallAtOneRule = "below") -> float:
    """R@k in percent: 100 * mean(rank < k).

    `r1_rule` matters only for R@1 with average ties: a rank of .5, shared by two, is below 1 and so a hit;
    CE and MMT require a rank of exactly 0 ("exact"), which makes it a miss.

    Raises ValueError without ranks, for k < 1 or another rule.
    """
    if r1_rule not in ("below", "exact"):
        raise ValueError(f"no rule {r1_rule!r} for R@1; known: below, exact")
    values, depth = validate_ranks(ranks), validate_k(k)
    return 100 * float(np.mean(values == 0 if depth == 1 and r1_rule == "exact" else values < depth))


def median_rank(ranks: npt.ArrayLike, rule: MedianRule = "floor") -> float:
    """MdR, 1-based: floor(median) + 1 ("floor": VSE++, JEMC) or median + 1 ("plain": CE, MMT, CLIP4Clip).

    Raises ValueError without ranks or for another rule.
    """
    middle = float(np.median(validate_ranks(ranks)))
    if rule == "floor":
        return float(math.floor(middle)) + 1
    if rule == "plain":
        return middle + 1
    raise ValueError(f"no rule {rule!r} for the median rank; known: floor, plain")


def mean_rank(ranks: npt.ArrayLike) -> float:
    """MnR, 1-based: mean(rank) + 1. Raises ValueError without ranks."""
    return float(np.mean(validate_ranks(ranks))) + 1


def geometric_mean_recall(ranks: npt.ArrayLike, r1_rule: RecallAtOneRule = "below") -> float:
    """Geom: the geometric mean of R@1, R@5 and R@10 in percent, 0 if one is. Raises as `recall_at` does."""
    return math.prod(recall_at(ranks, k, r1_rule) for k in (1, 5, 10)) ** (1 / 3)


def reciprocal_ranks(ranks: npt.ArrayLike) -> Floats:
    """(q,) 1 / (rank + 1), whose mean is MRR. Raises ValueError without ranks."""
    return 1 / (validate_ranks(ranks) + 1)


def precision_at(relevance: npt.NDArray[np.bool_], k: int) -> Floats:
    """(q,) P@k of each query, 0 to 1: share of relevant results in the first k of `relevance` (q, n).

    A list shorter than k has misses for the rest: the divisor is always k. Raises ValueError for k < 1 or
    anything but a two-dimensional array of bool.
    """
    size = validate_k(k)
    return validate_relevance(relevance)[:, :size].sum(axis=1) / size


def first_hit_reciprocal_ranks(relevance: npt.NDArray[np.bool_]) -> Floats:
    """(q,) 1 / rank of the first relevant result in `relevance` (q, n), best first; 0 without any.

    The mean is MRR. Raises ValueError for anything but a two-dimensional array of bool with a column.
    """
    is_relevant = validate_relevance(relevance)
    return np.where(is_relevant.any(axis=1), 1 / (is_relevant.argmax(axis=1) + 1), 0)


def validate_relevance(relevance: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """`relevance` if it is bool (q, n) with n > 0, else ValueError."""
    if relevance.ndim != 2 or relevance.dtype != np.bool_ or relevance.shape[1] == 0:
        raise ValueError(f"relevance must be bool (q, n), not {relevance.dtype}{relevance.shape}")
    return relevance


def validate_ranks(ranks: npt.ArrayLike) -> Floats:
    """`ranks` as float64 (q,), else ValueError, also without queries or with NaN."""
    values = np.asarray(ranks, np.float64)
    if values.ndim != 1 or values.size == 0 or not (values >= 0).all():
        raise ValueError(f"ranks must be one or more numbers >= 0 (q,), not {values.shape}")
    return values

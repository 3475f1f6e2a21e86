"""Metrics in expectation over random orders of tied items (McSherry and Najork 2008).

Similarities (q, n) that are equal are tied; missing ones (NaN) tie with each other, below all others.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from retrieval.evaluation.affect_metrics import compute_distances, rank_items
from retrieval.evaluation.rank_counts import RankCounts
from retrieval.evaluation.rank_metrics import MedianRule, median_rank, validate_relevance
from retrieval.vector_index import validate_k

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Similarities = npt.NDArray[np.floating]

ROUNDING = 1e-9  # of a share of queries


def compute_expected_median_rank(counts: RankCounts, rule: MedianRule = "floor") -> float:
    """MdR, 1-based, with each query spread evenly over the ranks that its target may take.

    This is the least k with an expected R@k of 50 %; where R@k is 50 % exactly, the middle between it and the
    next rank that is taken, by `rule` as in `median_rank`. The median of one random order approaches it as
    the number of queries grows. Raises ValueError without queries or for another rule.
    """
    if len(counts.ahead) == 0:
        raise ValueError("a median needs one or more queries")
    last = int((counts.ahead + counts.tied).max())

    def find_rank(needed_share: float) -> int:
        low, high = 0, last
        while low < high:
            middle = (low + high) // 2
            if counts.compute_hits(middle + 1).mean() >= needed_share:
                high = middle
            else:
                low = middle + 1
        return low

    return median_rank([find_rank(0.5 - ROUNDING), find_rank(0.5 + ROUNDING)], rule)


def compute_expected_precision(similarity: Similarities, relevance: npt.NDArray[np.bool_], k: int) -> Floats:
    """(q,) expected P@k, 0 to 1, by similarities (q, n) and which items are relevant (q, n).

    The divisor is k, as in `precision_at`. Raises ValueError for k < 1 or shapes that don't fit.
    """
    depth = validate_k(k)
    is_relevant = validate_relevance(relevance)
    return average_over_ties(similarity, is_relevant)[:, :depth].sum(axis=1) / depth


def compute_expected_ndcg(
    queries: npt.ArrayLike, items: npt.ArrayLike, similarity: Similarities, k: int
) -> Floats:
    """(q,) expected `ndcg` at k of items (n, d) ranked by similarities (q, n) for queries (q, d).

    Each tied item has the mean gain of its ties. Raises ValueError for k < 1 or shapes that don't fit.
    """
    distances = compute_distances(queries, items)
    depth = min(validate_k(k), distances.shape[1])
    gains = average_over_ties(similarity, np.exp(-distances))[:, :depth]
    ideal = np.exp(-np.sort(distances, axis=1)[:, :depth])
    discount = 1 / np.log2(np.arange(depth) + 2)
    return np.asarray((gains @ discount) / (ideal @ discount))


def compute_expected_first_hit_reciprocal_ranks(
    similarity: Similarities, relevance: npt.NDArray[np.bool_]
) -> Floats:
    """(q,) expected 1 / rank of the first relevant item, 0 without any; their mean is MRR.

    With r relevant among the c best tied ones, the first is at place j with probability
    C(c - j, r - 1) / C(c, r). Raises ValueError for shapes that don't fit.
    """
    is_relevant = validate_relevance(relevance)
    order, classes = _order_by_tie_class(similarity, is_relevant.shape)
    relevant = np.take_along_axis(is_relevant, order, axis=1)
    first = relevant.argmax(axis=1)
    in_class = classes == np.take_along_axis(classes, first[:, None], axis=1)  # (q, n), of the first hit
    tied, hits = in_class.sum(axis=1)[:, None], (in_class & relevant).sum(axis=1)[:, None]
    rank = np.arange(1, order.shape[1] + 1)
    place = rank - in_class.argmax(axis=1)[:, None]  # 1-based among the ties
    is_possible = in_class & (place <= tied - hits + 1) & (hits > 0)
    log_share = _log_binomial(tied - place, hits - 1, is_possible) - _log_binomial(tied, hits, is_possible)
    return np.where(is_possible, np.exp(log_share) / rank, 0).sum(axis=1)


def compute_expected_average_precisions(similarity: Similarities, relevance: npt.NDArray[np.bool_]) -> Floats:
    """(q,) expected average precision of relevant items (q, n), 0 without any.

    A place among c tied items, r of them relevant, holds a relevant one with probability r / c, and each
    place before it among the ties then another one with (r - 1) / (c - 1). Raises ValueError for shapes that
    don't fit.
    """
    is_relevant = validate_relevance(relevance)
    order, classes = _order_by_tie_class(similarity, is_relevant.shape)
    relevant = np.take_along_axis(is_relevant, order, axis=1)
    tied = np.bincount(classes.ravel())[classes]
    tied_hits = np.bincount(classes.ravel(), relevant.ravel())[classes]
    rank = np.arange(order.shape[1])
    starts = np.maximum.accumulate(np.where(np.diff(classes, axis=1, prepend=-1) != 0, rank, 0), axis=1)
    hits_ahead = np.take_along_axis(relevant.cumsum(axis=1) - relevant, starts, axis=1)
    hits_before = hits_ahead + (rank - starts) * (tied_hits - 1) / np.maximum(tied - 1, 1)
    precision = tied_hits / tied * (hits_before + 1) / (rank + 1)
    return np.asarray(precision.sum(axis=1) / np.maximum(relevant.sum(axis=1), 1))


def average_over_ties(similarity: Similarities, gains: npt.ArrayLike) -> Floats:
    """(q, n) gains (q, n) in order of rank, best first, each the mean over the items tied at its rank.

    Raises ValueError for shapes that don't fit.
    """
    values = np.asarray(gains, np.float64)
    order, classes = _order_by_tie_class(similarity, values.shape)
    sorted_gains = np.take_along_axis(values, order, axis=1)
    means = np.bincount(classes.ravel(), sorted_gains.ravel()) / np.bincount(classes.ravel())
    return np.asarray(means[classes])


def _order_by_tie_class(similarity: Similarities, shape: tuple[int, ...]) -> tuple[Ints, Ints]:
    """(q, n) items, best first, and (q, n) numbers of their tie classes, from 0 over all rows."""
    if similarity.ndim != 2 or similarity.shape != shape:
        raise ValueError(f"similarities and items do not fit: {similarity.shape}, {shape}")
    order = rank_items(similarity)
    values = np.take_along_axis(similarity, order, axis=1)
    starts_class = np.ones(shape, bool)
    both_missing = np.isnan(values[:, 1:]) & np.isnan(values[:, :-1])
    starts_class[:, 1:] = (values[:, 1:] != values[:, :-1]) & ~both_missing
    return order, np.cumsum(starts_class).reshape(shape) - 1


def _log_binomial(count: Ints, chosen: Ints, is_valid: npt.NDArray[np.bool_]) -> Floats:
    """log C(count, chosen) where valid, 0 elsewhere."""
    n, k = (np.where(is_valid, np.broadcast_to(part, is_valid.shape), 0) for part in (count, chosen))
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

"""Ranks and what is told of them. The rules that papers leave unsaid are arguments with names.

A rank is 0-based inside: 0 is a hit at the first place. Metrics take ranks, never similarities, so that the
rule for ties is chosen in one place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retrieval.nearest import checked_k

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Ties = Literal["average", "optimistic", "pessimistic"]
MedianRule = Literal["floor", "plain"]

TIES: dict[Ties, float] = {"optimistic": 0.0, "average": 0.5, "pessimistic": 1.0}  # share of ties ahead
CHUNK = 1 << 24  # similarities looked at in one step


def ranks(similarity: npt.NDArray[np.floating], target: npt.ArrayLike, ties: Ties = "average") -> Floats:
    """(q,) 0-based rank of item target[i] in row i of `similarity` (q, n); fractions are possible.

    Among items as similar as the target, "optimistic" puts it first, "pessimistic" last and "average" in
    the middle (McSherry and Najork 2008). A NaN is a missing similarity and lies below everything, -inf
    included; missing ones tie with each other, so beware of "optimistic" where all are missing.

    Raises ValueError for shapes that do not fit, a target outside 0..n-1 or an unknown rule.
    """
    if ties not in TIES:
        raise ValueError(f"no rule {ties!r} for ties; known: {', '.join(TIES)}")
    wanted = checked_targets(similarity, target)
    found = np.empty(len(wanted))
    for rows in row_chunks(*similarity.shape):
        ahead, equal = counts(similarity[rows], wanted[rows])
        found[rows] = ahead + TIES[ties] * equal
    return found


def counts(similarity: npt.NDArray[np.floating], target: Ints) -> tuple[Ints, Ints]:
    """For (q, n) and (q,): how many items are ahead of the target, and how many others tie with it."""
    own = np.take_along_axis(similarity, target[:, None], axis=1)
    gone = np.isnan(own[:, 0])
    absent = np.isnan(similarity).sum(axis=1)
    ahead = np.where(gone, similarity.shape[1] - absent, (similarity > own).sum(axis=1))
    equal = np.where(gone, absent, (similarity == own).sum(axis=1)) - 1
    return ahead, equal


def recall(ranks: npt.ArrayLike, k: int) -> float:
    """R@k in percent: 100 * mean(rank < k). Raises ValueError without ranks or for k < 1."""
    return 100 * float(np.mean(checked_ranks(ranks) < checked_k(k)))


def median_rank(ranks: npt.ArrayLike, rule: MedianRule = "floor") -> float:
    """MdR, 1-based: floor(median) + 1 ("floor": VSE++, JEMC) or median + 1 ("plain": CE, MMT, CLIP4Clip).

    Raises ValueError without ranks or for another rule.
    """
    middle = float(np.median(checked_ranks(ranks)))
    if rule == "floor":
        return float(math.floor(middle)) + 1
    if rule == "plain":
        return middle + 1
    raise ValueError(f"no rule {rule!r} for the median rank; known: floor, plain")


def mean_rank(ranks: npt.ArrayLike) -> float:
    """MnR, 1-based: mean(rank) + 1. Raises ValueError without ranks."""
    return float(np.mean(checked_ranks(ranks))) + 1


def precision_at(relevance: npt.NDArray[np.bool_], k: int) -> Floats:
    """(q,) P@k of each query, 0 to 1: relevant ones among the first k of `relevance` (q, n), best first.

    A list shorter than k has misses for the rest: the divisor is always k. Raises ValueError for k < 1 or
    anything but a two-dimensional array of bool.
    """
    if relevance.ndim != 2 or relevance.dtype != np.bool_:
        raise ValueError(f"relevance must be bool (q, n), not {relevance.dtype}{relevance.shape}")
    size = checked_k(k)
    return relevance[:, :size].sum(axis=1) / size


def bootstrap_interval(
    values: npt.ArrayLike,
    statistic: Callable[[npt.NDArray[Any]], Any] = np.mean,
    *,
    seed: int,
    draws: int = 2000,
    level: float = 0.95,
    groups: npt.ArrayLike | None = None,
) -> tuple[float, float]:
    """(low, high) percentile bootstrap interval of `statistic` over `values` (n, ...) (Efron 1979).

    `statistic` takes values drawn with replacement along the first axis and gives one number: for a paired
    comparison pass the differences. With `groups` (n,), whole groups are drawn and all their values come
    along (five captions of one photo are not five independent photos; Davison and Hinkley 1997, 3.8).

    Raises ValueError without values, for groups of another length, draws < 1 or a level outside (0, 1).
    """
    sample = np.asarray(values)
    if sample.ndim == 0 or len(sample) == 0:
        raise ValueError("a bootstrap needs at least one value")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    picks = resamples(len(sample), groups, np.random.default_rng(seed))
    drawn = [float(statistic(sample[next(picks)])) for _ in range(checked_k(draws))]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resamples(count: int, groups: npt.ArrayLike | None, rng: np.random.Generator) -> Iterator[Ints]:
    """Endless draws with replacement: indices (count,), or those of whole groups (their sum of sizes,)."""
    if groups is None:
        while True:
            yield rng.integers(count, size=count)
    labels = np.asarray(groups)
    if labels.shape != (count,):
        raise ValueError(f"groups must name one group a value ({count},), not {labels.shape}")
    _, number = np.unique(labels, return_inverse=True)
    order, sizes = np.argsort(number, kind="stable"), np.bincount(number)
    starts = np.cumsum(sizes) - sizes
    while True:
        chosen = rng.integers(len(sizes), size=len(sizes))
        long = sizes[chosen]
        skipped = np.repeat(starts[chosen] - (np.cumsum(long) - long), long)
        yield order[skipped + np.arange(len(skipped))]


def row_chunks(queries: int, items: int) -> Iterator[slice]:
    """Slices of queries that cover about CHUNK similarities each."""
    step = max(1, CHUNK // max(1, items))
    return (slice(start, start + step) for start in range(0, queries, step))


def checked_targets(similarity: npt.NDArray[np.floating], target: npt.ArrayLike) -> Ints:
    """`target` as int64 (q,), each in 0..n-1, else ValueError."""
    wanted = np.asarray(target)
    if similarity.ndim != 2 or wanted.shape != similarity.shape[:1]:
        raise ValueError(f"similarity (q, n) and target (q,) do not fit: {similarity.shape}, {wanted.shape}")
    if wanted.size and not np.issubdtype(wanted.dtype, np.integer):
        raise ValueError(f"targets are column numbers, not {wanted.dtype}")
    if ((wanted < 0) | (wanted >= similarity.shape[1])).any():
        raise ValueError(f"a target lies outside 0..{similarity.shape[1] - 1}")
    return wanted.astype(np.int64)


def checked_ranks(ranks: npt.ArrayLike) -> Floats:
    """`ranks` as float64 (q,), else ValueError: no queries is no zero, and a NaN is no rank."""
    found = np.asarray(ranks, np.float64)
    if found.ndim != 1 or found.size == 0 or not (found >= 0).all():
        raise ValueError(f"ranks must be one or more numbers >= 0 (q,), not {found.shape}")
    return found

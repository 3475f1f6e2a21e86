"""Are two clouds of paired points related, and is a map between them worth its while: held out, and PROTEST.

Rows of one group (segments of a film, clips of an actor) are no independent pairs, so what is shuffled must
be exchangeable if there were no relation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.resampling import number_groups
from retrieval.vector_index.topk import validate_k

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ExchangeRule = Literal["rows", "within", "groups"]
"""What changes places. rows: any two; within: rows of one group among themselves, which leaves what a group
has in common out of the question; groups: whole groups, whose rows keep their order, for rows that follow
each other in time."""

CHUNK_ELEMENTS = 1 << 23  # numbers held at a time


@dataclass(frozen=True, kw_only=True, eq=False)
class ProtestResult:
    """A Procrustes analysis and what shuffled pairs give.

    disparity: m12^2, 0 to 1; t = sqrt(1 - m12^2) is the correlation in the superimposition
    p_value:   (#{t of a shuffle >= t} + 1) / (shuffles + 1)
    null_correlations: (shuffles,) their t
    """

    disparity: float
    correlation: float
    p_value: float
    null_correlations: Floats


def protest(
    source: npt.ArrayLike, target: npt.ArrayLike, *, seed: int, draws: int = 999,
    groups: npt.ArrayLike | None = None, exchange: ExchangeRule = "rows",
) -> ProtestResult:  # fmt: skip
    """PROTEST of points (n, p) and (n, q), rotations with reflections (Jackson 1995; vegan's `protest`).

    Of two widths, the narrower is taken to have further columns of zeros. Raises ValueError for points that
    do not pair, a cloud that does not vary, and as `shuffles` does.
    """
    one, other = _centre_and_scale(source), _centre_and_scale(target)
    if len(one) != len(other):
        raise ValueError(f"points must pair, not {one.shape} and {other.shape}")
    found = float(compute_nuclear_norms((one.T @ other)[None])[0])
    null = np.concatenate(
        [
            compute_nuclear_norms(np.matmul(one.T, other[orders]))
            for orders in _split_permutations(
                draw_permutations(len(one), draws, seed=seed, groups=groups, exchange=exchange), other
            )
        ]
    )
    t = min(found, 1.0)
    return ProtestResult(
        disparity=1 - t**2, correlation=t, p_value=compute_upper_p_value(found, null), null_correlations=null
    )


def compute_nuclear_norms(products: Floats) -> Floats:
    """(b,) sums of the singular values of matrices (b, p, q); for 2 x 2 by sqrt(||A||^2 + 2 |det A|)."""
    if products.shape[1:] == (2, 2):
        determinants = products[:, 0, 0] * products[:, 1, 1] - products[:, 0, 1] * products[:, 1, 0]
        return np.sqrt((products**2).sum(axis=(1, 2)) + 2 * np.abs(determinants))
    return np.asarray(np.linalg.svd(products, compute_uv=False).sum(axis=1))


def compute_upper_p_value(statistic: float, null_statistics: npt.ArrayLike) -> float:
    """(#{null >= found} + 1) / (n + 1), what is equal but for rounding counted as equal."""
    known = np.asarray(null_statistics, np.float64)
    return float(((known >= statistic - 1e-9 * max(1.0, abs(statistic))).sum() + 1) / (len(known) + 1))


def draw_permutations(
    row_count: int,
    draws: int,
    *,
    seed: int,
    groups: npt.ArrayLike | None = None,
    exchange: ExchangeRule = "rows",
) -> Ints:
    """(draws, count) random orders of rows, in which place i gets row order[i].

    With "groups" the groups (count,) are put in random order and their rows follow each other; where sizes
    differ a group then meets stretches of several others, rolled by a random offset, which keeps what follows
    in time together. Without groups every row is one.

    Raises ValueError for draws < 1, another rule, or groups of another length.
    """
    if exchange not in get_args(ExchangeRule):
        raise ValueError(
            f"no rule {exchange!r} for what is exchanged; known: {', '.join(get_args(ExchangeRule))}"
        )
    rng = np.random.default_rng(seed)
    if exchange == "rows" or (groups is None and exchange == "groups"):
        return rng.permuted(np.tile(np.arange(row_count), (validate_k(draws), 1)), axis=1)
    number = number_groups(row_count, np.zeros(row_count) if groups is None else groups)
    members = [np.flatnonzero(number == one) for one in range(number.max() + 1)]
    orders = np.empty((validate_k(draws), row_count), np.int64)
    if exchange == "within":
        for rows in members:
            orders[:, rows] = rng.permuted(np.tile(rows, (draws, 1)), axis=1)
        return orders
    places = np.concatenate(members)
    even = len({len(rows) for rows in members}) == 1
    for order in orders:
        drawn = np.concatenate([members[one] for one in rng.permutation(len(members))])
        order[places] = drawn if even else np.roll(drawn, rng.integers(row_count))
    return orders


def compute_permuted_errors(predictions: Floats, targets: Floats, permutations: Ints) -> Floats:
    """(draws,) sums of squared differences of points (n, d) and target[order], one for each of (draws, n)."""
    cross = np.zeros(len(permutations))
    for column, values in zip(targets.T, predictions.T, strict=True):
        cross += column[permutations] @ values
    return np.asarray((predictions**2).sum() + (targets**2).sum() - 2 * cross)


def _split_permutations(permutations: Ints, rows: Floats) -> Iterator[Ints]:
    step = max(1, CHUNK_ELEMENTS // rows.size)
    return (permutations[start : start + step] for start in range(0, len(permutations), step))


def _centre_and_scale(points: npt.ArrayLike) -> Floats:
    """Centred, with Tr(M M') = 1; else ValueError."""
    known = np.asarray(points, np.float64)
    if known.ndim != 2 or not np.isfinite(known).all():
        raise ValueError(f"points must be finite and (n, d), not {known.shape}")
    centred = known - known.mean(axis=0)
    size = np.sqrt((centred**2).sum())
    if not size > 1e-12 * max(1.0, float(np.abs(known).max(initial=0))):
        raise ValueError("a cloud that does not vary has no shape")
    return np.asarray(centred / size)

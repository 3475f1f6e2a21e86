"""Permutation tests of the relation between paired points: PROTEST, and errors of held-out maps.

Rows of one group (segments of a film, clips of an actor) are not independent pairs, so the units that are
permuted must be exchangeable under the null hypothesis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.resampling import number_groups
from retrieval.vector_index import validate_k

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ExchangeRule = Literal["rows", "within", "groups"]
"""The units that are exchanged. rows: all rows; within: rows within their group, which removes differences
between groups from the test; groups: whole groups, whose rows keep their order, for time series."""

SMALLEST_VARIATION = 1e-12  # of exchanged points, as a share of that of the points
CHUNK_ELEMENTS = 1 << 23  # computed at a time, to bound memory


@dataclass(frozen=True, kw_only=True, eq=False)
class ProtestResult:
    """A Procrustes analysis and its permutation test.

    disparity:   m12^2, 0 to 1
    correlation: t = sqrt(1 - m12^2), the correlation in the superimposition
    p_value:     (#{permuted t >= t} + 1) / (draws + 1)
    null_correlations: (draws,) t of each permutation
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

    Of two widths, the narrower is padded with zeros. Raises ValueError for points that do not pair, points
    that do not vary, and as `draw_permutations` does.
    """
    x, y = _centre_and_scale(source), _centre_and_scale(target)
    if len(x) != len(y):
        raise ValueError(f"points must pair, not {x.shape} and {y.shape}")
    observed = float(compute_nuclear_norms((x.T @ y)[None])[0])
    permutations = draw_permutations(len(x), draws, seed=seed, groups=groups, exchange=exchange)
    null = np.concatenate([
        compute_nuclear_norms(np.matmul(x.T, y[chunk])) / _compute_norms(y, chunk)
        for chunk in _split_permutations(permutations, y)
    ])  # fmt: skip
    t = min(observed, 1.0)
    return ProtestResult(
        disparity=1 - t**2,
        correlation=t,
        p_value=compute_upper_p_value(observed, null),
        null_correlations=null,
    )


def compute_nuclear_norms(products: Floats) -> Floats:
    """(b,) sums of the singular values of matrices (b, p, q); for 2 x 2 by sqrt(||A||^2 + 2 |det A|)."""
    if products.shape[1:] == (2, 2):
        determinants = products[:, 0, 0] * products[:, 1, 1] - products[:, 0, 1] * products[:, 1, 0]
        return np.sqrt((products**2).sum(axis=(1, 2)) + 2 * np.abs(determinants))
    return np.asarray(np.linalg.svd(products, compute_uv=False).sum(axis=1))


def compute_upper_p_value(statistic: float, null_statistics: npt.ArrayLike) -> float:
    """(#{null >= statistic} + 1) / (n + 1), with a tolerance for rounding."""
    null = np.asarray(null_statistics, np.float64)
    return float(((null >= statistic - 1e-9 * max(1.0, abs(statistic))).sum() + 1) / (len(null) + 1))


def draw_permutations(
    row_count: int,
    draws: int,
    *,
    seed: int,
    groups: npt.ArrayLike | None = None,
    exchange: ExchangeRule = "rows",
) -> Ints:
    """(draws, row_count) random exchanges of rows: position i gets row order[i].

    With "groups" each group (row_count,) takes the rows of another, in random order of the groups: position j
    of a group of n rows gets row floor(j * m / n) of a group of m rows. Where sizes differ, some rows are
    thus repeated or left out: an order is then no permutation, and means and variances change with it.
    Without `groups` every row is one group.

    A test on the means of the groups is no alternative: means of groups of different sizes have different
    variances and are not exchangeable (simulated type I error up to .18 at level .05, where this is .03 to
    .07; `experiments.audit`, topic "permutation").

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
    members = [np.flatnonzero(number == group) for group in range(number.max() + 1)]
    orders = np.empty((validate_k(draws), row_count), np.int64)
    if exchange == "within":
        for rows in members:
            orders[:, rows] = rng.permuted(np.tile(rows, (draws, 1)), axis=1)
        return orders
    donors = np.stack([rng.permutation(len(members)) for _ in range(draws)])
    return _take_rows_of_donors(donors[:, number], number, members)


def _take_rows_of_donors(donors: Ints, number: Ints, members: Sequence[Ints]) -> Ints:
    """(draws, rows) the row that each row takes of its donor, by donors (draws, rows) and groups (rows,)."""
    sizes = np.bincount(number)
    place = np.empty(len(number), np.int64)
    for rows in members:
        place[rows] = np.arange(len(rows))
    starts = np.cumsum(sizes) - sizes
    return np.asarray(np.concatenate(members)[starts[donors] + place * sizes[donors] // sizes[number]])


def compute_permuted_errors(predictions: Floats, targets: Floats, permutations: Ints) -> Floats:
    """(draws,) sums of squared differences of points (n, d) and targets[order], for orders (draws, n)."""
    cross = np.zeros(len(permutations))
    for column, values in zip(targets.T, predictions.T, strict=True):
        cross += column[permutations] @ values
    squares = (targets**2).sum(axis=1)[permutations].sum(axis=1)  # not constant where rows are repeated
    return np.asarray((predictions**2).sum() + squares - 2 * cross)


def _split_permutations(permutations: Ints, rows: Floats) -> Iterator[Ints]:
    step = max(1, CHUNK_ELEMENTS // rows.size)
    return (permutations[start : start + step] for start in range(0, len(permutations), step))


def _compute_norms(points: Floats, permutations: Ints) -> Floats:
    """(draws,) norms of the centred points[order], which differ where rows are repeated."""
    squares = (points**2).sum(axis=1)[permutations].sum(axis=1)
    means = np.stack([column[permutations].mean(axis=1) for column in points.T])
    return np.sqrt(np.maximum(squares - len(points) * (means**2).sum(axis=0), SMALLEST_VARIATION))


def _centre_and_scale(points: npt.ArrayLike) -> Floats:
    """Centred, with Tr(M M') = 1; else ValueError."""
    rows = np.asarray(points, np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError(f"points must be finite and (n, d), not {rows.shape}")
    centred = rows - rows.mean(axis=0)
    norm = np.sqrt((centred**2).sum())
    if not norm > 1e-12 * max(1.0, float(np.abs(rows).max(initial=0))):
        raise ValueError("a cloud that does not vary has no shape")
    return np.asarray(centred / norm)

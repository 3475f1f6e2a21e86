"""Arithmetic shared by all indices: similarities, top-k selection, padding and validation."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from encoders import Rows

StoredRows = npt.NDArray[np.float16 | np.float32]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Neighbours = tuple[Positions, Rows]

CHUNK_BYTES = 1 << 20  # bytes of converted rows in a chunk: fits a core's cache


def split_into_chunks(row_count: int, row_bytes: int) -> Iterator[slice]:
    """Consecutive slices of `row_count` rows, each of about CHUNK_BYTES when a row takes `row_bytes`."""
    step = max(1, CHUNK_BYTES // max(1, row_bytes))
    return (slice(start, start + step) for start in range(0, row_count, step))


def compute_similarities(rows: StoredRows, queries: Rows) -> Rows:
    """(q, n) inner products in float32, NaN for a missing row or query; the last bits depend on BLAS."""
    if rows.dtype == np.float32:
        return queries @ rows.T
    similarities = np.empty((len(queries), len(rows)), np.float32)
    for chunk in split_into_chunks(len(rows), 4 * rows.shape[1]):
        similarities[:, chunk] = queries @ rows[chunk].astype(np.float32).T
    return similarities


def select_candidates(similarities: Rows, k: int, margin: float) -> Positions:
    """Positions in (n,) of values at least the k-th best minus `margin`; never of NaN or -inf."""
    comparable = np.fmax(similarities, np.float32(-np.inf))
    count = min(k, len(comparable))
    if count == 0:
        return np.empty(0, np.int64)
    kth_best = np.partition(comparable, len(comparable) - count)[len(comparable) - count]
    return np.flatnonzero((comparable >= kth_best - margin) & (comparable > -np.inf))


def rescore(rows: StoredRows, positions: Positions, query: Rows) -> Rows:
    """(m,) inner products of a (d,) query with the rows at (m,) positions, in double precision, as float32.

    A value depends only on its row and the query.
    """
    return rescore_all(rows, positions, query[None])[0]


def rescore_all(rows: StoredRows, positions: Positions, queries: Rows) -> Rows:
    """(q, m) inner products as by `rescore` for (q, d) queries; NaN for a missing query."""
    exact_queries = queries.astype(np.float64)
    similarities = np.empty((len(queries), len(positions)), np.float32)
    for chunk in split_into_chunks(len(positions), 8 * queries.shape[1]):
        exact_rows = rows[positions[chunk]].astype(np.float64)
        for index, query in enumerate(exact_queries):
            similarities[index, chunk] = np.vecdot(exact_rows, query)
    return similarities


def select_top_k(positions: Positions, similarities: Rows, k: int) -> Neighbours:
    """The first k of (m,) positions and similarities in the order (-similarity, position)."""
    order = np.lexsort((positions, -similarities))[:k]
    return positions[order], similarities[order]


def pad_neighbours(neighbours: Sequence[Neighbours], k: int) -> Neighbours:
    """Neighbours of q queries as (q, k) arrays, padded with -1 and -inf."""
    padded_positions = np.full((len(neighbours), k), -1, np.int64)
    padded_similarities = np.full((len(neighbours), k), -np.inf, np.float32)
    for row, (positions, similarities) in enumerate(neighbours):
        padded_positions[row, : len(positions)] = positions
        padded_similarities[row, : len(positions)] = similarities
    return padded_positions, padded_similarities


def validate_k(k: int) -> int:
    """Return `k` as an int. Raises ValueError for k < 1, TypeError for a non-integer."""
    if operator.index(k) < 1:
        raise ValueError(f"k must be >= 1, not {k}")
    return operator.index(k)


def validate_queries(queries: Rows, dim: int) -> Rows:
    """Return `queries` as float32 (q, dim). Raises ValueError for another shape."""
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise ValueError(f"queries must be (q, {dim}), not {queries.shape}")
    return np.asarray(queries, np.float32)

"""Arithmetic shared by all indices: similarities, top-k selection, padding and validation."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from encoders import Rows
from retrieval.vector_index.row_subset import RowSubset

StoredRows: TypeAlias = npt.NDArray[np.float16 | np.float32] | RowSubset
Positions = npt.NDArray[np.int64]
AnyPositions = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]
Neighbours = tuple[Positions, Rows]

CHUNK_BYTES = 1 << 20  # bytes of converted rows in a chunk: fits a core's cache
MAX_UNTHREADED_QUERIES = 4
LARGE_CHUNK_BYTES = 64 << 20  # of rows that many queries are compared with at once


def split_into_chunks(row_count: int, row_bytes: int, chunk_bytes: int = CHUNK_BYTES) -> Iterator[slice]:
    """Consecutive slices of `row_count` rows, each of about `chunk_bytes` when a row takes `row_bytes`."""
    step = max(1, chunk_bytes // max(1, row_bytes))
    return (slice(start, start + step) for start in range(0, row_count, step))


def compute_similarities(rows: StoredRows, queries: Rows) -> Rows:
    """(q, n) inner products in float32, NaN for a missing row or query; the last bits depend on BLAS."""
    if isinstance(rows, np.ndarray) and rows.dtype == np.float32:
        return _multiply(queries, rows)
    similarities = np.empty((len(queries), len(rows)), np.float32)
    for chunk in split_into_chunks(len(rows), 4 * rows.shape[1]):
        similarities[:, chunk] = _multiply(queries, rows[chunk].astype(np.float32))
    return similarities


def _multiply(queries: Rows, rows: npt.NDArray[Any]) -> Rows:
    """(q, n) inner products; of few queries without the threads of BLAS.

    Searches run on threads of their own. Where other work keeps the cores busy, BLAS's wait for each other:
    4 queries with 3,333 rows of 384 took 24 ms instead of .3.
    """
    if len(queries) > MAX_UNTHREADED_QUERIES:
        return np.asarray(queries @ rows.T)
    similarities = np.empty((len(queries), len(rows)), np.float32)
    for index, query in enumerate(queries):
        np.vecdot(rows, query, out=similarities[index])
    return similarities


def select_candidates(similarities: Rows, k: int, margin: float) -> Positions:
    """Positions in (n,) of values at least the k-th best minus `margin`; never of NaN or -inf."""
    comparable = np.fmax(similarities, np.float32(-np.inf))
    count = min(k, len(comparable))
    if count == 0:
        return np.empty(0, np.int64)
    kth_best = np.partition(comparable, len(comparable) - count)[len(comparable) - count]
    return np.flatnonzero((comparable >= kth_best - margin) & (comparable > -np.inf))


def rescore(rows: StoredRows, positions: AnyPositions, query: Rows) -> Rows:
    """(m,) inner products of a (d,) query with the rows at (m,) positions, in double precision, as float32.

    A value depends only on its row and the query.
    """
    return rescore_all(rows, positions, query[None])[0]


def rescore_all(rows: StoredRows, positions: AnyPositions, queries: Rows) -> Rows:
    """(q, m) inner products as by `rescore` for (q, d) queries; NaN for a missing query."""
    exact_queries = queries.astype(np.float64)
    similarities = np.empty((len(queries), len(positions)), np.float32)
    for chunk in split_into_chunks(len(positions), 8 * queries.shape[1]):
        exact_rows = rows[positions[chunk]].astype(np.float64)
        for index, query in enumerate(exact_queries):
            similarities[index, chunk] = np.vecdot(exact_rows, query)
    return similarities


def find_exact_neighbours(rows: StoredRows, queries: Rows, k: int) -> Positions:
    """(q, k) positions of the k nearest rows (n, d), k <= n, to each of (q, d), by float32 similarities.

    Reads the rows once, whatever the number of queries.
    """
    best_positions = np.zeros((len(queries), k), np.int64)
    best = np.full((len(queries), k), -np.inf, np.float32)
    for chunk in split_into_chunks(len(rows), 4 * rows.shape[1], LARGE_CHUNK_BYTES):
        similarities = np.nan_to_num(queries @ np.asarray(rows[chunk], np.float32).T, nan=-np.inf)
        positions = np.broadcast_to(np.arange(similarities.shape[1]) + chunk.start, similarities.shape)
        candidates = np.concatenate([best, similarities], axis=1)
        order = np.argpartition(-candidates, k - 1, axis=1)[:, :k]
        best = np.take_along_axis(candidates, order, axis=1)
        best_positions = np.take_along_axis(
            np.concatenate([best_positions, positions], axis=1), order, axis=1
        )
    return np.take_along_axis(best_positions, np.argsort(-best, axis=1, kind="stable"), axis=1)


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

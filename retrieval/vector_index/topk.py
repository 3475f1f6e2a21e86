"""The arithmetic every index shares: similarities, the best k of them, and one shape of answer."""

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

CHUNK_BYTES = 1 << 20  # bytes of converted rows at a time: a core's cache holds them


def split_into_chunks(row_count: int, row_bytes: int) -> Iterator[slice]:
    """Consecutive slices of `row_count` rows, each of about CHUNK_BYTES when a row takes `row_bytes`."""
    step = max(1, CHUNK_BYTES // max(1, row_bytes))
    return (slice(start, start + step) for start in range(0, row_count, step))


def compute_similarities(rows: StoredRows, queries: Rows) -> Rows:
    """(q, n) inner products in float32, NaN for a missing row or query; the last bits depend on BLAS."""
    if rows.dtype == np.float32:
        return queries @ rows.T
    found = np.empty((len(queries), len(rows)), np.float32)
    for span in split_into_chunks(len(rows), 4 * rows.shape[1]):
        found[:, span] = queries @ rows[span].astype(np.float32).T
    return found


def select_candidates(similarities: Rows, k: int, margin: float) -> Positions:
    """Places in (n,) of what is within `margin` of the k-th best or above it; never NaN or -inf."""
    known = np.fmax(similarities, np.float32(-np.inf))
    count = min(k, len(known))
    if count == 0:
        return np.empty(0, np.int64)
    last = np.partition(known, len(known) - count)[len(known) - count]
    return np.flatnonzero((known >= last - margin) & (known > -np.inf))


def rescore(rows: StoredRows, positions: Positions, query: Rows) -> Rows:
    """(m,) inner products of a (d,) query with the rows at (m,) places: double precision, then float32.

    A row's value depends on nothing but the row and the query.
    """
    return rescore_all(rows, positions, query[None])[0]


def rescore_all(rows: StoredRows, positions: Positions, queries: Rows) -> Rows:
    """(q, m) the same of (q, d) queries, with each row converted once; a missing query gives NaN."""
    exact = queries.astype(np.float64)
    found = np.empty((len(queries), len(positions)), np.float32)
    for span in split_into_chunks(len(positions), 8 * queries.shape[1]):
        converted = rows[positions[span]].astype(np.float64)
        for number, query in enumerate(exact):
            found[number, span] = np.vecdot(converted, query)
    return found


def select_top_k(positions: Positions, similarities: Rows, k: int) -> Neighbours:
    """The first k of (m,) places and similarities in the order (-similarity, place)."""
    order = np.lexsort((positions, -similarities))[:k]
    return positions[order], similarities[order]


def pad_neighbours(neighbours: Sequence[Neighbours], k: int) -> Neighbours:
    """Ragged hits of q queries as (q, k) arrays, filled up with -1 and -inf."""
    places = np.full((len(neighbours), k), -1, np.int64)
    similarity = np.full((len(neighbours), k), -np.inf, np.float32)
    for row, (found, scores) in enumerate(neighbours):
        places[row, : len(found)] = found
        similarity[row, : len(found)] = scores
    return places, similarity


def validate_k(k: int) -> int:
    """`k` as an int >= 1, else ValueError (TypeError for what is no whole number)."""
    if operator.index(k) < 1:
        raise ValueError(f"k must be >= 1, not {k}")
    return operator.index(k)


def validate_queries(queries: Rows, dim: int) -> Rows:
    """`queries` as float32 (q, dim), else ValueError."""
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise ValueError(f"queries must be (q, {dim}), not {queries.shape}")
    return np.asarray(queries, np.float32)

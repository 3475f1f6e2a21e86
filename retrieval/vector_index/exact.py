"""Nearest rows by cosine. `Exact` is the specification; whatever is faster is tested against it.

Everything here speaks similarity, higher is better; a library's own distance ends at this border.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from encoders.base import Rows
from retrieval.vector_index.annoy import TREES, AnnoyIndex
from retrieval.vector_index.topk import (
    Found,
    Mask,
    Stored,
    candidates,
    checked_k,
    checked_queries,
    nearest,
    padded,
    rescore,
    similarities,
)

BLOCK = 64 << 20  # bytes of similarities of one block of queries
CACHE = 256 << 20  # converting float16 takes eight times as long as the product: small sets stay converted


class Index(Protocol):
    """A set of unit rows one can ask for the nearest."""

    def search(self, queries: Rows, k: int, alive: Mask | None = None) -> Found:
        """The k nearest rows of each query: positions (q, k) int64 and similarity (q, k) float32.

        `queries` (q, d) are unit rows; a missing (NaN) query finds nothing. Order is (-similarity,
        position); where fewer than k were found the rest is -1 and -inf. `alive` (n,), if given, says
        which rows may be returned. Raises ValueError for k < 1 or a shape that does not fit.
        """
        ...


class Exact:
    """All rows compared: (n, d) unit rows, float32 or float16, an array or a memory map.

    Float16 rows that take up to `cache` bytes as float32 are converted once, larger ones a chunk at a time at
    every search, so that memory stays bounded. A missing row is never returned. Similarity is the inner
    product in double precision, rounded to float32: it does not depend on chunks, on the other queries or
    on the row's place, so equal rows tie. Raises ValueError for rows of another shape or type.
    """

    def __init__(self, rows: Stored, cache: int = CACHE) -> None:
        if rows.ndim != 2 or rows.dtype not in (np.float16, np.float32):
            raise ValueError(f"rows must be float16 or float32 (n, d), not {rows.dtype}{rows.shape}")
        plain = np.asarray(rows)
        self._rows = plain.astype(np.float32, copy=False) if 4 * plain.size <= cache else plain

    def search(self, queries: Rows, k: int, alive: Mask | None = None) -> Found:
        """See Index."""
        count, size = len(self._rows), checked_k(k)
        if alive is not None and alive.shape != (count,):
            raise ValueError(f"alive must have one flag a row ({count},), not {alive.shape}")
        asked = checked_queries(queries, self._rows.shape[1])
        block = max(1, BLOCK // max(1, 4 * count))
        hits: list[Found] = []
        for start in range(0, len(asked), block):
            some = asked[start : start + block]
            pairs = zip(some, similarities(self._rows, some), strict=True)
            hits += [self._best(query, coarse, size, alive) for query, coarse in pairs]
        return padded(hits, size)

    def _best(self, query: Rows, coarse: Rows, k: int, alive: Mask | None) -> Found:
        allowed = coarse if alive is None else np.where(alive, coarse, np.float32(-np.inf))
        margin = len(query) * 2.0**-22  # twice what float32 sums of unit rows can be off (Higham 2002, 3.1)
        places = candidates(allowed, k, margin)
        return nearest(places, rescore(self._rows, places, query), k)


def exact(rows: Stored, file: Path, trees: int = TREES) -> Index:
    """Exact over `rows`; needs neither file nor trees."""
    return Exact(rows)


def annoy(rows: Stored, file: Path, trees: int = TREES) -> Index:
    """Annoy over `rows`, built into `file`."""
    return AnnoyIndex.build(rows, file, trees)


class Maker(Protocol):
    """Makes an Index over rows."""

    def __call__(self, rows: Stored, file: Path, trees: int = TREES) -> Index:
        """Ready to be asked."""
        ...


INDICES: dict[str, Maker] = {"exact": exact, "annoy": annoy}

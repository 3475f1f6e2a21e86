"""The exact index: every row compared. It is the specification that other indices are tested against."""

from __future__ import annotations

import numpy as np

from encoders import Rows
from retrieval.vector_index.topk import (
    Mask,
    Neighbours,
    StoredRows,
    compute_similarities,
    pad_neighbours,
    rescore,
    select_candidates,
    select_top_k,
    validate_k,
    validate_queries,
)

BLOCK_BYTES = 64 << 20  # bytes of similarities of one block of queries
CACHE_BYTES = (
    256 << 20
)  # converting float16 takes eight times as long as the product: small sets stay converted


class ExactIndex:
    """All rows compared: (n, d) unit rows, float32 or float16, an array or a memory map.

    Float16 rows that take up to `cache` bytes as float32 are converted once, larger ones a chunk at a time at
    every search, so that memory stays bounded. A missing row is never returned. Similarity is the inner
    product in double precision, rounded to float32: it does not depend on chunks, on the other queries or
    on the row's place, so equal rows tie. Raises ValueError for rows of another shape or type.
    """

    def __init__(self, rows: StoredRows, cache_bytes: int = CACHE_BYTES) -> None:
        if rows.ndim != 2 or rows.dtype not in (np.float16, np.float32):
            raise ValueError(f"rows must be float16 or float32 (n, d), not {rows.dtype}{rows.shape}")
        plain = np.asarray(rows)
        self._rows = plain.astype(np.float32, copy=False) if 4 * plain.size <= cache_bytes else plain

    def search(self, queries: Rows, k: int, mask: Mask | None = None) -> Neighbours:
        """See VectorIndex."""
        count, size = len(self._rows), validate_k(k)
        if mask is not None and mask.shape != (count,):
            raise ValueError(f"alive must have one flag a row ({count},), not {mask.shape}")
        asked = validate_queries(queries, self._rows.shape[1])
        block = max(1, BLOCK_BYTES // max(1, 4 * count))
        hits: list[Neighbours] = []
        for start in range(0, len(asked), block):
            some = asked[start : start + block]
            pairs = zip(some, compute_similarities(self._rows, some), strict=True)
            hits += [self._search_one(query, coarse, size, mask) for query, coarse in pairs]
        return pad_neighbours(hits, size)

    def _search_one(self, query: Rows, similarities: Rows, k: int, mask: Mask | None) -> Neighbours:
        allowed = similarities if mask is None else np.where(mask, similarities, np.float32(-np.inf))
        margin = len(query) * 2.0**-22  # twice what float32 sums of unit rows can be off (Higham 2002, 3.1)
        places = select_candidates(allowed, k, margin)
        return select_top_k(places, rescore(self._rows, places, query), k)

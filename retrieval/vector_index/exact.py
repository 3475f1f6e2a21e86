"""The exact index by exhaustive comparison: the reference that other indices are tested against."""

from __future__ import annotations

import numpy as np

from encoders import Rows
from retrieval.vector_index.topk import (
    Mask,
    Neighbours,
    Positions,
    StoredRows,
    compute_similarities,
    pad_neighbours,
    rescore,
    select_candidates,
    select_top_k,
    validate_k,
    validate_queries,
)

BLOCK_BYTES = 64 << 20  # bytes of the similarities of a block of queries
CACHE_BYTES = (
    256 << 20
)  # converting float16 takes eight times as long as the product: small sets stay converted


class ExactIndex:
    """Exhaustive search over (n, d) unit rows, float32 or float16, in an array or a memory map.

    Float16 rows of up to `cache_bytes` as float32 are converted once, larger ones in chunks at every search,
    so that memory stays bounded. Missing rows are never returned. Similarity is the inner product in double
    precision, rounded to float32: it is independent of chunks, other queries and the row's position, so equal
    rows tie. Raises ValueError for rows of another shape or type.
    """

    def __init__(self, rows: StoredRows, cache_bytes: int = CACHE_BYTES) -> None:
        if rows.ndim != 2 or rows.dtype not in (np.float16, np.float32):
            raise ValueError(f"rows must be float16 or float32 (n, d), not {rows.dtype}{rows.shape}")
        fits = 4 * len(rows) * rows.shape[1] <= cache_bytes
        self._rows: StoredRows = np.asarray(rows).astype(np.float32, copy=False) if fits else rows

    effort = 1

    def search(self, queries: Rows, k: int, mask: Mask | None = None) -> Neighbours:
        """See VectorIndex."""
        count, neighbour_count = len(self._rows), validate_k(k)
        if mask is not None and mask.shape != (count,):
            raise ValueError(f"mask must have one flag a row ({count},), not {mask.shape}")
        query_rows = validate_queries(queries, self._rows.shape[1])
        block_size = max(1, BLOCK_BYTES // max(1, 4 * count))
        neighbours: list[Neighbours] = []
        for start in range(0, len(query_rows), block_size):
            query_block = query_rows[start : start + block_size]
            pairs = zip(query_block, compute_similarities(self._rows, query_block), strict=True)
            neighbours += [
                self._search_one(query, similarities, neighbour_count, mask) for query, similarities in pairs
            ]
        return pad_neighbours(neighbours, neighbour_count)

    def find_candidates(self, queries: Rows, k: int, mask: Mask | None = None) -> Positions:
        """See VectorIndex."""
        return self.search(queries, k, mask)[0]

    def _search_one(self, query: Rows, similarities: Rows, k: int, mask: Mask | None) -> Neighbours:
        masked = similarities if mask is None else np.where(mask, similarities, np.float32(-np.inf))
        margin = len(query) * 2.0**-22  # twice what float32 sums of unit rows can be off (Higham 2002, 3.1)
        candidates = select_candidates(masked, k, margin)
        return select_top_k(candidates, rescore(self._rows, candidates, query), k)

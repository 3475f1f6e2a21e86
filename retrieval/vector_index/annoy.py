"""Adapter of Spotify's Annoy (random-projection forest, memory-mapped) to the VectorIndex interface."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from encoders import MissingBackendError, Rows, is_missing_row, make_draft_path
from retrieval.vector_index.topk import (
    Mask,
    Neighbours,
    Positions,
    StoredRows,
    pad_neighbours,
    select_top_k,
    split_into_chunks,
    validate_k,
    validate_queries,
)

if TYPE_CHECKING:
    from annoy import AnnoyIndex as Forest

DEFAULT_TREE_COUNT = 40
EFFORTS = (1, 2, 4, 8, 16, 32, 64)
NODE_BYTES = 12  # bytes of a node beside its 4 d bytes of vector, in Annoy's angular files


class AnnoyIndex:
    """An approximate, memory-mapped index that is immutable once built.

    Similarities are Annoy's own, in float32. A loaded file stays readable while a new build replaces it.
    """

    def __init__(self, forest: Forest) -> None:
        self._forest = forest
        self.effort = EFFORTS[0]  # nodes inspected, as a multiple of Annoy's default

    @classmethod
    def build(
        cls, rows: StoredRows, path: Path, tree_count: int = DEFAULT_TREE_COUNT, seed: int = 0
    ) -> AnnoyIndex:
        """Build over (n, d) unit `rows`, write `path` atomically, and open it.

        Missing rows are left out without changing positions: Annoy stores 12 + 4 d bytes for every position
        up to the last row that is not missing, in memory during the build and in the file. Equal rows and
        seed give an equal file. Raises MissingBackendError without the package, OSError if writing fails.
        """
        with make_draft_path(path) as draft:
            build_forest(rows, tree_count, seed).save(str(draft))
            with draft.open("rb+") as stream:
                os.fsync(stream.fileno())
            draft.replace(path)
        return cls.load(path, rows)

    @classmethod
    def load(cls, path: Path, rows: StoredRows) -> AnnoyIndex:
        """Map a file that `build` wrote for rows (n, d). Raises OSError if it is absent or does not fit."""
        size, dim = path.stat().st_size, rows.shape[1]
        if size % (NODE_BYTES + 4 * dim):
            raise OSError(f"{path}: {size} bytes are no Annoy index of {dim}-d rows")
        forest = make_forest(dim)
        forest.load(str(path))
        return cls(forest)

    def search(self, queries: Rows, k: int, mask: Mask | None = None) -> Neighbours:
        """See VectorIndex. Queries more and more rows until k pass the mask or all were queried."""
        neighbour_count, count = validate_k(k), self._forest.get_n_items()
        if mask is not None and (mask.ndim != 1 or len(mask) < count):
            raise ValueError(f"mask must have one flag a row (>= {count},), not {mask.shape}")
        query_rows = validate_queries(queries, self._forest.f)
        return pad_neighbours(
            [self._search_one(query, neighbour_count, mask) for query in query_rows], neighbour_count
        )

    def find_candidates(self, queries: Rows, k: int, mask: Mask | None = None) -> Positions:
        """See VectorIndex."""
        return self.search(queries, k, mask)[0]

    def _search_one(self, query: Rows, k: int, mask: Mask | None) -> Neighbours:
        count = self._forest.get_n_items()
        requested = 0 if np.isnan(query).any() else min(k, count)
        positions, similarities = self._query_forest(query, requested, mask)
        while len(positions) < k and 0 < requested < count:
            requested = min(4 * requested, count)
            positions, similarities = self._query_forest(query, requested, mask)
        return select_top_k(positions, similarities, k)

    def _query_forest(self, query: Rows, count: int, mask: Mask | None) -> Neighbours:
        search_nodes = count * self._forest.get_n_trees() * self.effort  # nodes inspected: Annoy's search_k
        neighbour_ids, distances = self._forest.get_nns_by_vector(
            query, count, search_nodes, include_distances=True
        )
        positions = np.array(neighbour_ids, np.int64)
        similarities = (1 - np.square(distances) / 2).astype(np.float32)  # Annoy's angle is sqrt(2 - 2 cos)
        allowed = slice(None) if mask is None else mask[positions]
        return positions[allowed], similarities[allowed]


def build_forest(rows: StoredRows, tree_count: int, seed: int) -> Forest:
    """Build a forest over the rows that are not missing, each at its own position."""
    forest = make_forest(rows.shape[1])
    forest.set_seed(seed)
    for chunk_slice in split_into_chunks(len(rows), 4 * rows.shape[1]):
        chunk = rows[chunk_slice].astype(np.float32)
        for row in np.flatnonzero(~is_missing_row(chunk)):
            forest.add_item(chunk_slice.start + int(row), chunk[row].tolist())  # twice as fast as an array
    forest.build(tree_count, n_jobs=1)
    return forest


def make_forest(dim: int) -> Forest:
    """A new Annoy index for cosine; needed for each load: Annoy 1.17.3 crashes when a second load fails."""
    try:
        from annoy import AnnoyIndex as Forest
    except ModuleNotFoundError as error:
        raise MissingBackendError(
            "the index 'annoy' needs the package annoy, and that a C++ compiler: pip install annoy"
        ) from error
    return Forest(dim, "angular")

"""Spotify's Annoy behind the VectorIndex port: a forest of random planes in a memory-mapped file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from encoders import MissingBackendError, Rows, is_missing_row, make_draft_path
from retrieval.vector_index.topk import (
    Mask,
    Neighbours,
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
NODE_BYTES = 12  # bytes of a node beside its 4 d bytes of vector, in Annoy's angular files


class AnnoyIndex:
    """Approximate, memory-mapped, and closed once built: Annoy can't add, delete or go on.

    Similarities are Annoy's own, in float32. A file stays readable while a new build takes its name.
    """

    def __init__(self, forest: Forest) -> None:
        self._forest = forest

    @classmethod
    def build(
        cls, rows: StoredRows, path: Path, tree_count: int = DEFAULT_TREE_COUNT, seed: int = 0
    ) -> AnnoyIndex:
        """Build over (n, d) unit `rows`, put it at `path` in one step, and open it.

        Missing rows are left out and positions stay: Annoy keeps 12 + 4 d bytes for every position up to
        the last row that is not missing, in memory while it builds and in the file. Equal rows and seed
        give an equal file. Interrupted, it leaves `path` as it was. Raises MissingBackendError without the
        package, OSError when the disk says no.
        """
        with make_draft_path(path) as part:
            build_forest(rows, tree_count, seed).save(str(part))
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(path)
        return cls.load(path, rows.shape[1])

    @classmethod
    def load(cls, path: Path, dim: int) -> AnnoyIndex:
        """Map what `build` wrote for rows of `dim` numbers. Raises OSError if absent or not fitting."""
        size = path.stat().st_size
        if size % (NODE_BYTES + 4 * dim):
            raise OSError(f"{path}: {size} bytes are no Annoy index of {dim}-d rows")
        forest = make_forest(dim)
        forest.load(str(path))
        return cls(forest)

    def search(self, queries: Rows, k: int, mask: Mask | None = None) -> Neighbours:
        """See VectorIndex. Asks for more until k alive ones are found or every row was looked at."""
        size, count = validate_k(k), self._forest.get_n_items()
        if mask is not None and (mask.ndim != 1 or len(mask) < count):
            raise ValueError(f"alive must have one flag a row (>= {count},), not {mask.shape}")
        asked = validate_queries(queries, self._forest.f)
        return pad_neighbours([self._search_one(query, size, mask) for query in asked], size)

    def _search_one(self, query: Rows, k: int, mask: Mask | None) -> Neighbours:
        count = self._forest.get_n_items()
        want = 0 if np.isnan(query).any() else min(k, count)
        places, similarity = self._query_forest(query, want, mask)
        while len(places) < k and 0 < want < count:
            want = min(4 * want, count)
            places, similarity = self._query_forest(query, want, mask)
        return select_top_k(places, similarity, k)

    def _query_forest(self, query: Rows, count: int, mask: Mask | None) -> Neighbours:
        effort = count * self._forest.get_n_trees()  # tree nodes looked at: Annoy's search_k
        found, far = self._forest.get_nns_by_vector(query, count, effort, include_distances=True)
        places = np.array(found, np.int64)
        similarity = (1 - np.square(far) / 2).astype(np.float32)  # Annoy's angle is sqrt(2 - 2 cos)
        keep = slice(None) if mask is None else mask[places]
        return places[keep], similarity[keep]


def build_forest(rows: StoredRows, tree_count: int, seed: int) -> Forest:
    """A built forest over the rows that are not missing, each under its own position."""
    forest = make_forest(rows.shape[1])
    forest.set_seed(seed)
    for span in split_into_chunks(len(rows), 4 * rows.shape[1]):
        chunk = rows[span].astype(np.float32)
        for place in np.flatnonzero(~is_missing_row(chunk)):
            forest.add_item(span.start + int(place), chunk[place].tolist())  # a list is twice as fast
    forest.build(tree_count, n_jobs=1)
    return forest


def make_forest(dim: int) -> Forest:
    """An Annoy index for cosine. One for each load: Annoy 1.17.3 crashes when a second load fails."""
    try:
        from annoy import AnnoyIndex as Forest
    except ModuleNotFoundError as gone:
        raise MissingBackendError(
            "the index 'annoy' needs the package annoy, and that a C++ compiler: pip install annoy"
        ) from gone
    return Forest(dim, "angular")

"""Spotify's Annoy behind the Index port: a forest of random planes in a memory-mapped file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from encoders.base import MissingBackend, Rows, missing
from encoders.interrupts import draft_beside
from retrieval.vector_index.topk import (
    Found,
    Mask,
    Stored,
    checked_k,
    checked_queries,
    nearest,
    padded,
    spans,
)

if TYPE_CHECKING:
    from annoy import AnnoyIndex as Forest

TREES = 40
NODE = 12  # bytes of a node beside its 4 d bytes of vector, in Annoy's angular files


class AnnoyIndex:
    """Approximate, memory-mapped, and closed once built: Annoy can't add, delete or go on.

    Similarities are Annoy's own, in float32. A file stays readable while a new build takes its name.
    """

    def __init__(self, forest: Forest) -> None:
        self._forest = forest

    @classmethod
    def build(cls, rows: Stored, file: Path, trees: int = TREES, seed: int = 0) -> AnnoyIndex:
        """Build over (n, d) unit `rows`, put it at `file` in one step, and open it.

        Missing rows are left out and positions stay: Annoy keeps 12 + 4 d bytes for every position up to
        the last row that is not missing, in memory while it builds and in the file. Equal rows and seed
        give an equal file. Interrupted, it leaves `file` as it was. Raises MissingBackend without the
        package, OSError when the disk says no.
        """
        with draft_beside(file) as part:
            planted(rows, trees, seed).save(str(part))
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            part.replace(file)
        return cls.load(file, rows.shape[1])

    @classmethod
    def load(cls, file: Path, dim: int) -> AnnoyIndex:
        """Map what `build` wrote for rows of `dim` numbers. Raises OSError if absent or not fitting."""
        size = file.stat().st_size
        if size % (NODE + 4 * dim):
            raise OSError(f"{file}: {size} bytes are no Annoy index of {dim}-d rows")
        forest = empty_forest(dim)
        forest.load(str(file))
        return cls(forest)

    def search(self, queries: Rows, k: int, alive: Mask | None = None) -> Found:
        """See Index. Asks for more until k alive ones are found or every row was looked at."""
        size, count = checked_k(k), self._forest.get_n_items()
        if alive is not None and (alive.ndim != 1 or len(alive) < count):
            raise ValueError(f"alive must have one flag a row (>= {count},), not {alive.shape}")
        asked = checked_queries(queries, self._forest.f)
        return padded([self._best(query, size, alive) for query in asked], size)

    def _best(self, query: Rows, k: int, alive: Mask | None) -> Found:
        count = self._forest.get_n_items()
        want = 0 if np.isnan(query).any() else min(k, count)
        places, similarity = self._ask(query, want, alive)
        while len(places) < k and 0 < want < count:
            want = min(4 * want, count)
            places, similarity = self._ask(query, want, alive)
        return nearest(places, similarity, k)

    def _ask(self, query: Rows, want: int, alive: Mask | None) -> Found:
        effort = want * self._forest.get_n_trees()  # tree nodes looked at: Annoy's search_k
        found, far = self._forest.get_nns_by_vector(query, want, effort, include_distances=True)
        places = np.array(found, np.int64)
        similarity = (1 - np.square(far) / 2).astype(np.float32)  # Annoy's angle is sqrt(2 - 2 cos)
        keep = slice(None) if alive is None else alive[places]
        return places[keep], similarity[keep]


def planted(rows: Stored, trees: int, seed: int) -> Forest:
    """A built forest over the rows that are not missing, each under its own position."""
    forest = empty_forest(rows.shape[1])
    forest.set_seed(seed)
    for span in spans(len(rows), 4 * rows.shape[1]):
        chunk = rows[span].astype(np.float32)
        for place in np.flatnonzero(~missing(chunk)):
            forest.add_item(span.start + int(place), chunk[place].tolist())  # a list is twice as fast
    forest.build(trees, n_jobs=1)
    return forest


def empty_forest(dim: int) -> Forest:
    """An Annoy index for cosine. One for each load: Annoy 1.17.3 crashes when a second load fails."""
    try:
        from annoy import AnnoyIndex as Forest
    except ModuleNotFoundError as gone:
        raise MissingBackend(
            "the index 'annoy' needs the package annoy, and that a C++ compiler: pip install annoy"
        ) from gone
    return Forest(dim, "angular")

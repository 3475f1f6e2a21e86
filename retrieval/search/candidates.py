"""Which segments to score: the nearest to the query in every view and modality in which it does not abstain.

Index files, where a library has any, cover the rows there were when they were built; rows that came later are
searched exactly, and rows of removed items are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row, unit_rows
from retrieval.search.index_files import IndexFiles, StoredIndex
from retrieval.search.kinds import NearestSegments, make_view_searches
from retrieval.search.parallel import run_in_parallel
from retrieval.storage import AnyLibrary, AnySnapshot, Library, SegmentVectors, Snapshot
from retrieval.vector_index import CACHE_BYTES, ExactIndex, StoredRows, rescore, select_top_k

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
AnyInteger = TypeVar("AnyInteger", bound=np.integer[Any])

MAX_GATHERED_BYTES = 16 << 20  # float16 rows that a filter leaves are compared one by one up to this size


class CandidateSearch:
    """Finds the segments to score in one snapshot of a library."""

    def __init__(self, library: AnyLibrary, snapshot: AnySnapshot) -> None:
        self._snapshot = snapshot
        self._make_view_search = make_view_searches(snapshot, library)
        self._view_searches: dict[tuple[str, str], NearestSegments] = {}

    def find(
        self,
        query_embeddings: Iterable[Mapping[str, Rows]],
        modalities: Sequence[str],
        k: int,
        allowed_segments: Positions | None = None,
    ) -> Positions:
        """Segment positions, ascending: over parts, views and modalities, the nearest of at least k items.

        They are nearest to the mean of a part's rows; each of its rows brings its own nearest beside them, so
        that an item which is near one segment of a film is not missed. `allowed_segments`, if given, are the
        positions of those that may be found.
        """
        tasks = [
            partial(self._search_part, self._get_view_search(view, modality), here, k, allowed_segments)
            for part in query_embeddings
            for view, rows in part.items()
            if view in self._snapshot.views and len(here := rows[~is_missing_row(rows)])
            for modality in modalities
            if (view, modality) in self._snapshot.observed_views
        ]
        return sort_distinct(np.concatenate([np.empty(0, np.int64), *run_in_parallel(tasks)]))

    def _search_part(
        self, view_search: NearestSegments, queries: Rows, k: int, allowed_segments: Positions | None
    ) -> Positions:
        if len(queries) == 1:
            return self._search_distinct_items(view_search, queries, k, allowed_segments)
        mean = unit_rows(queries.mean(axis=0, keepdims=True))
        near_each = view_search.find_nearest(queries, max(k // len(queries), 1), allowed_segments)
        if is_missing_row(mean).any():  # rows that cancel have no mean direction
            return near_each
        near_mean = self._search_distinct_items(view_search, mean, k, allowed_segments)
        return np.concatenate([near_mean, near_each])

    def _search_distinct_items(
        self, view_search: NearestSegments, queries: Rows, k: int, allowed_segments: Positions | None
    ) -> Positions:
        """Deepens until k items are met, or all: a long film has more segments than one asks for."""
        want = k
        while True:
            found = view_search.find_nearest(queries, want, allowed_segments)
            if len(found) < want or len(sort_distinct(self._snapshot.item_by_segment[found])) >= k:
                return found
            want *= 4

    def _get_view_search(self, view: str, modality: str) -> NearestSegments:
        if (view, modality) not in self._view_searches:
            self._view_searches[view, modality] = self._make_view_search(view, modality)
        return self._view_searches[view, modality]


@make_view_searches.register
def _(snapshot: Snapshot, library: Library) -> Callable[[str, str], NearestSegments]:
    files = IndexFiles(library.folder, snapshot.generation, snapshot.index_records)

    def make_view_search(view: str, modality: str) -> NearestSegments:
        vectors = snapshot.views[view]
        is_searchable = snapshot.mask_rows(view, modality)
        return ViewSearch(vectors, is_searchable, files.load(view, modality, vectors.rows))

    return make_view_search


class ViewSearch:
    """One view of the items of one modality: a stored index, if there is one, and exact search of other rows.

    is_searchable: (rows,) whether each row belongs to an item of the modality that is not removed
    """

    def __init__(
        self, vectors: SegmentVectors, is_searchable: Mask, stored_index: StoredIndex | None
    ) -> None:
        self._vectors, self._is_searchable, self._stored_index = vectors, is_searchable, stored_index

    @cached_property
    def _is_unindexed(self) -> Mask:
        """(rows,) whether each is searched exactly: it came, or came back, after the index was built."""
        if self._stored_index is None:
            return self._is_searchable
        is_unindexed = self._is_searchable.copy()
        is_unindexed[self._stored_index.row_indices] = False
        return is_unindexed

    @cached_property
    def _unindexed_rows(self) -> Positions:
        return np.flatnonzero(self._is_unindexed)

    @cached_property
    def _exact_index(self) -> ExactIndex:
        """Over the rows without an index, copied as float32 if they are few; else over all, under a mask."""
        if self._searches_all_rows:
            return ExactIndex(self._vectors.rows)
        return ExactIndex(self._vectors.rows[self._unindexed_rows])

    @property
    def _searches_all_rows(self) -> bool:
        rows, count = self._vectors.rows, len(self._unindexed_rows)
        return count == len(rows) or 4 * rows.shape[1] * count > CACHE_BYTES

    @cached_property
    def _stored_mask(self) -> Mask | None:
        """Which rows of the stored index are still to be found; None for all."""
        if self._stored_index is None:
            return None
        mask = self._is_searchable[self._stored_index.row_indices]
        return None if mask.all() else mask

    def find_nearest(self, queries: Rows, k: int, allowed_segments: Positions | None = None) -> Positions:
        """Segment positions of the k nearest rows to each of (q, d), among allowed segments (n,)."""
        allowed = None
        if allowed_segments is not None:
            rows = self._list_rows(allowed_segments)
            if 2 * self._vectors.rows.shape[1] * len(rows) <= MAX_GATHERED_BYTES:
                return self._to_segments(search_rows(self._vectors.rows, rows, queries, k))
            allowed = np.zeros(len(self._is_searchable), np.bool_)
            allowed[rows] = True
        found = [self._search_unindexed_rows(queries, k, allowed)]
        if self._stored_index is not None:
            mask = self._stored_mask if allowed is None else allowed[self._stored_index.row_indices]
            found.append(self._stored_index.search(queries, k, mask))
        return self._to_segments(np.concatenate(found))

    def _search_unindexed_rows(self, queries: Rows, k: int, allowed: Mask | None) -> Positions:
        if not len(self._unindexed_rows):
            return np.empty(0, np.int64)
        mask = self._is_unindexed if allowed is None else self._is_unindexed & allowed
        if self._searches_all_rows:
            found = self._exact_index.search(queries, k, mask)[0].ravel()
            return found[found >= 0]
        found = self._exact_index.search(queries, k, mask[self._unindexed_rows])[0].ravel()
        return self._unindexed_rows[found[found >= 0]]

    def _list_rows(self, segments: Positions) -> Positions:
        """The searchable rows of segments."""
        rows = self._vectors.row_by_segment[segments]
        rows = rows[rows >= 0]
        return np.asarray(rows[self._is_searchable[rows]], np.int64)

    def _to_segments(self, rows: Positions) -> Positions:
        return np.asarray(self._vectors.segment_by_row[rows], np.int64)


def sort_distinct(positions: npt.NDArray[AnyInteger]) -> npt.NDArray[AnyInteger]:
    """The distinct ones of positions (n,), ascending; for some hundred it is faster than np.unique."""
    ordered = np.sort(positions)
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]


def search_rows(rows: StoredRows, indices: Positions, queries: Rows, k: int) -> Positions:
    """Those of `indices` (n,) into rows whose rows are the k nearest to each of (q, d), exactly."""
    best = [select_top_k(indices, rescore(rows, indices, query), k)[0] for query in queries]
    return np.concatenate([np.empty(0, np.int64), *best])

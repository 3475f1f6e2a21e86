"""Which segments to score: the nearest to the query in every view and modality in which it does not abstain.

A library's index files, if it has any, cover the rows of the last `affect rebuild`; rows that came later are
searched exactly until the next one, deleted rows are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row, unit_rows
from retrieval.search.index_files import IndexFiles, StoredIndex, mask_modality
from retrieval.storage import Library, SegmentVectors, Snapshot
from retrieval.vector_index import ExactIndex, VectorIndex

Positions = npt.NDArray[np.int64]


class CandidateSearch:
    """Finds the segments to score in one snapshot of a library."""

    def __init__(self, library: Library, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._view_searches: dict[tuple[str, str], _ViewSearch] = {}
        self._index_files = IndexFiles.of_library(library, snapshot.generation)
        self._exact_indices: dict[str, ExactIndex] = {}

    def find(
        self, query_embeddings: Iterable[Mapping[str, Rows]], modalities: Sequence[str], k: int
    ) -> Positions:
        """Segment positions, ascending: over parts, views and modalities, the nearest of at least k items.

        They are nearest to the mean of a part's rows; each of its rows brings its own nearest beside them, so
        that an item which is near one segment of a film is not missed.
        """
        found = [
            near
            for part in query_embeddings
            for view, rows in part.items()
            if view in self._snapshot.views and len(here := rows[~is_missing_row(rows)])
            for modality in modalities
            for near in self._search_part(self._get_view_search(view, modality), here, k)
        ]
        return np.unique(np.concatenate([np.empty(0, np.int64), *found]))

    def _search_part(self, view_search: _ViewSearch, queries: Rows, k: int) -> Iterator[Positions]:
        if len(queries) == 1:
            yield self._search_distinct_items(view_search, queries, k)
            return
        mean = unit_rows(queries.mean(axis=0, keepdims=True))
        if not is_missing_row(mean).any():  # rows that cancel have no mean direction
            yield self._search_distinct_items(view_search, mean, k)
        yield view_search.find_nearest(queries, max(k // len(queries), 1))

    def _search_distinct_items(self, view_search: _ViewSearch, queries: Rows, k: int) -> Positions:
        """Deepens until k items are met, or all: a long film has more segments than one asks for."""
        want, items = k, min(k, view_search.item_count)
        while True:
            found = view_search.find_nearest(queries, want)
            if len(found) < want or len(np.unique(self._snapshot.item_by_segment[found])) >= items:
                return found
            want *= 4

    def _get_view_search(self, view: str, modality: str) -> _ViewSearch:
        if (view, modality) not in self._view_searches:
            self._view_searches[view, modality] = self._make(view, modality)
        return self._view_searches[view, modality]

    def _make(self, view: str, modality: str) -> _ViewSearch:
        vectors = self._snapshot.views[view]
        mask = mask_modality(self._snapshot, vectors, modality)
        item_count = len(np.unique(self._snapshot.item_by_segment[vectors.segment_by_row[mask]]))
        if view not in self._exact_indices:
            self._exact_indices[view] = ExactIndex(vectors.rows)
        stored_index = None
        covered = self._snapshot.indexed_row_counts.get(view, 0)
        if covered and mask[:covered].any():
            stored_index = self._index_files.load(view, modality, vectors.rows.shape[1])
        if stored_index is not None:
            mask[:covered] = False  # the rows after those it covers are searched exactly
        return _ViewSearch(vectors, mask, self._exact_indices[view], item_count, stored_index)


class _ViewSearch:
    """One view of the items of one modality: exact over the rows in `mask`, and a stored index."""

    def __init__(
        self,
        vectors: SegmentVectors,
        mask: npt.NDArray[np.bool_],
        exact_index: VectorIndex,
        item_count: int,
        stored_index: StoredIndex | None,
    ) -> None:
        self._vectors, self._mask, self._exact_index, self.item_count = vectors, mask, exact_index, item_count
        self._stored_index = stored_index

    @cached_property
    def _stored_mask(self) -> npt.NDArray[np.bool_]:
        """Which rows of the stored index still belong to a segment."""
        if self._stored_index is None:
            return np.zeros(0, bool)
        return np.asarray(self._vectors.segment_by_row[self._stored_index.row_indices] >= 0)

    def find_nearest(self, queries: Rows, k: int) -> Positions:
        """Segment positions of the k nearest rows to each of (q, d)."""
        rows = [np.empty(0, np.int64)]
        if self._mask.any():
            rows.append(self._exact_index.search(queries, k, self._mask)[0].ravel())
        if self._stored_index is not None and self._stored_mask.any():
            places = self._stored_index.index.search(queries, k, self._stored_mask)[0].ravel()
            rows.append(self._stored_index.row_indices[places[places >= 0]])
        found = np.concatenate(rows)
        return np.asarray(self._vectors.segment_by_row[found[found >= 0]])

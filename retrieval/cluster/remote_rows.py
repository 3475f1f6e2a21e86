"""Rows of segments that are read from Milvus when they are needed, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows
from retrieval.storage import SegmentVectors

Positions = npt.NDArray[np.integer[Any]]
NOT_READ, NO_ROW = -2, -1


class RemoteRows:
    """Rows of a collection by position of their segment, with the methods of `SegmentVectors`.

    list_keys: gives the primary keys of segments (n,)
    load_rows: gives rows (d,) by key, of those keys that have one
    """

    def __init__(
        self,
        name: str,
        dim: int,
        list_keys: Callable[[Positions], Sequence[str]],
        load_rows: Callable[[Sequence[str]], Mapping[str, Any]],
        dtype: type = np.float16,
    ) -> None:
        self._name, self._list_keys, self._load_rows = name, list_keys, load_rows
        self._rows: npt.NDArray[Any] = np.empty((0, dim), dtype)
        self._row_by_segment = np.empty(0, np.int64)

    def _read(self, segments: Positions) -> None:
        """Read the rows of segments that were not read before."""
        missing_count = int(segments.max(initial=-1)) + 1 - len(self._row_by_segment)
        if missing_count > 0:
            more = np.full(missing_count, NOT_READ)
            self._row_by_segment = np.concatenate([self._row_by_segment, more])
        unread = np.unique(segments[self._row_by_segment[segments] == NOT_READ])
        if not len(unread):
            return
        keys = self._list_keys(unread)
        rows_by_key = self._load_rows(keys)
        has_row = np.array([key in rows_by_key for key in keys])
        new = np.array([rows_by_key[key] for key in keys if key in rows_by_key], self._rows.dtype)
        self._row_by_segment[unread[~has_row]] = NO_ROW
        self._row_by_segment[unread[has_row]] = len(self._rows) + np.arange(len(new))
        self._rows = np.concatenate([self._rows, new.reshape(-1, self._rows.shape[1])])

    def load(self, segments: Positions) -> npt.NDArray[Any]:
        """Rows (len(segments), d) as they are kept, NaN where a segment has none."""
        self._read(segments)
        row_indices = self._row_by_segment[segments]
        rows = np.full((len(segments), self._rows.shape[1]), np.nan, self._rows.dtype)
        rows[row_indices >= 0] = self._rows[row_indices[row_indices >= 0]]
        return rows

    def _get_vectors(self, segments: Positions) -> SegmentVectors:
        """What was read, that of these segments included."""
        self._read(segments)
        segment_by_row = np.full(len(self._rows), -1, np.int64)
        read = np.flatnonzero(self._row_by_segment >= 0)
        segment_by_row[self._row_by_segment[read]] = read
        return SegmentVectors(
            rows=self._rows,
            segment_by_row=segment_by_row,
            segment_count=len(self._row_by_segment),
            name=self._name,
        )

    def select_rows(self, segments: Positions) -> Rows:
        """Rows (len(segments), d) float32, NaN where a segment has none."""
        return self._get_vectors(segments).select_rows(segments)

    def compute_cosines(self, segments: Positions, queries: Rows) -> Rows:
        """(q, len(segments)) inner products with unit (q, d) queries, NaN where a segment has no row."""
        return self._get_vectors(segments).compute_cosines(segments, queries)

    def compute_norms(self, segments: Positions) -> npt.NDArray[np.float64]:
        """(len(segments),) L2 norms of the stored rows, NaN where a segment has none."""
        return self._get_vectors(segments).compute_norms(segments)

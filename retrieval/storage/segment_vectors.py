"""The rows of one view by segment, for search."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, to_printable
from retrieval.storage.catalog import VectorFile
from retrieval.storage.vector_file import gather_rows
from retrieval.storage.vector_store import VectorStore, invert_positions
from retrieval.vector_index import rescore_all

ColumnPositions = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class SegmentVectors:
    """Rows (n, d) of a row file, each row's segment (-1: none), and the number of segments.

    Rows of removed segments are kept until a rebuild: `Snapshot.mask_rows` leaves them out.
    """

    rows: npt.NDArray[np.float16]
    segment_by_row: ColumnPositions
    segment_count: int
    name: str = ""

    @cached_property
    def row_by_segment(self) -> ColumnPositions:
        """(segment_count,) each segment's row, -1 where it has none. Raises AffectError where none fits."""
        try:
            return invert_positions(self.segment_by_row, self.segment_count)
        except ValueError as error:
            raise AffectError(f"{self.name}: {error}; run: affect verify") from error

    def select_rows(self, segments: ColumnPositions) -> Rows:
        """Rows (len(segments), d) float32, NaN where a segment has none."""
        return gather_rows(self.rows, self.row_by_segment[segments])

    def compute_cosines(self, segments: ColumnPositions, queries: Rows) -> Rows:
        """(q, len(segments)) inner products with unit (q, d) queries, NaN where a segment has no row.

        Equal rows get equal values, independent of their position.
        """
        row_indices = self.row_by_segment[segments]
        cosines = np.full((len(queries), len(segments)), np.nan, np.float32)
        cosines[:, row_indices >= 0] = rescore_all(self.rows, row_indices[row_indices >= 0], queries)
        return cosines

    def compute_norms(self, segments: ColumnPositions) -> npt.NDArray[np.float64]:
        """(len(segments),) L2 norms of the stored float16 rows, NaN where a segment has none."""
        return np.linalg.norm(self.select_rows(segments).astype(np.float64), axis=1)


def open_segment_vectors(vectors: VectorStore, vector_file: VectorFile, segment_count: int) -> SegmentVectors:
    """Map the committed rows of a file. Raises AffectError if it is too short."""
    return SegmentVectors(
        rows=vectors.open(vector_file),
        segment_by_row=vectors.open_segments(vector_file),
        segment_count=segment_count,
        name=f"{to_printable(vectors.folder)}: {vector_file.name}",
    )

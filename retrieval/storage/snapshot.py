"""Snapshot of one committed state of a library as arrays, for search."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, to_printable
from retrieval.features import AFFECT_VECTORS_NAME
from retrieval.storage.catalog import VectorFile
from retrieval.storage.library import Library
from retrieval.storage.vector_file import gather_rows
from retrieval.vector_index import rescore_all

Positions = npt.NDArray[np.int64]
MAX_ATTEMPTS = 3  # a rebuild may delete files between reading the catalogue and opening them


@dataclass(frozen=True, kw_only=True)
class SegmentVectors:
    """Rows (n, d) of a row file, each row's segment (-1: deleted), and each segment's row (-1: none)."""

    rows: npt.NDArray[np.float16]
    segment_by_row: Positions
    row_by_segment: Positions

    def select_rows(self, segments: Positions) -> Rows:
        """Rows (len(segments), d) float32, NaN where a segment has none."""
        return gather_rows(self.rows, self.row_by_segment[segments])

    def compute_cosines(self, segments: Positions, queries: Rows) -> Rows:
        """(q, len(segments)) inner products with unit (q, d) queries, NaN where a segment has no row.

        Equal rows get equal values, independent of their position.
        """
        row_indices = self.row_by_segment[segments]
        cosines = np.full((len(queries), len(segments)), np.nan, np.float32)
        cosines[:, row_indices >= 0] = rescore_all(self.rows, row_indices[row_indices >= 0], queries)
        return cosines

    def compute_norms(self, segments: Positions) -> npt.NDArray[np.float64]:
        """(len(segments),) L2 norms of the stored float16 rows, NaN where a segment has none."""
        return np.linalg.norm(self.select_rows(segments).astype(np.float64), axis=1)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Items and segments by position.

    generation: of the row and index files of this state
    indexed_row_counts: number of rows that the index files cover, by view
    item_by_segment, segment_ids: (segments,) item positions, and ids in the catalogue
    spans: (segments, 2) start and end in seconds, NaN without time
    affect_vectors: affect estimates of segments
    """

    catalog_version: tuple[int, int]
    generation: str
    indexed_row_counts: Mapping[str, int]
    item_ids: tuple[str, ...]
    item_paths: tuple[str, ...]
    item_modalities: npt.NDArray[np.str_]
    item_by_segment: Positions
    segment_ids: Positions
    spans: npt.NDArray[np.float64]
    views: dict[str, SegmentVectors]
    affect_vectors: SegmentVectors | None = None

    def select_affect(self, segments: Positions) -> Rows:
        """(len(segments), 4) valence, arousal and their SDs; NaN where a segment has none."""
        if self.affect_vectors is None:
            return np.full((len(segments), 4), np.nan, np.float32)
        return self.affect_vectors.select_rows(segments)

    @cached_property
    def affect(self) -> Rows:
        """(segments, 4) the affect of all segments."""
        return self.select_affect(np.arange(len(self.item_by_segment)))

    def mask_modality(self, modality: str) -> npt.NDArray[np.bool_]:
        """(segments,) whether each belongs to an item of a modality."""
        return np.asarray(self.item_modalities[self.item_by_segment] == modality)

    @cached_property
    def observed_views(self) -> frozenset[tuple[str, str]]:
        """(view, modality) pairs that have rows; images, for example, have none in the audio space."""
        modalities = self.item_modalities[self.item_by_segment]
        return frozenset(
            (name, str(modality))
            for name, view in self.views.items()
            for modality in np.unique(modalities[view.row_by_segment >= 0])
        )

    def find_item(self, item_id: str) -> int | None:
        """Position of the item with this full id; None if it is not in the library."""
        index = bisect_left(self.item_ids, item_id)
        return index if self.item_ids[index : index + 1] == (item_id,) else None

    def resolve_item(self, id_prefix: str) -> int:
        """Position of the item with this id or unique id prefix. Raises AffectError if there is none."""
        first = bisect_left(self.item_ids, id_prefix)  # ids are sorted, so equal prefixes are adjacent
        matches = [
            i
            for i, item_id in enumerate(self.item_ids[first : first + 2], first)
            if matches_id(item_id, id_prefix)
        ]
        if len(matches) != 1:
            raise AffectError(
                f"item {id_prefix!r}: {'more than one begins so' if matches else 'not in this library'}; "
                "see affect list"
            )
        return matches[0]

    def list_segments(self, item_index: int) -> Positions:
        """Positions of an item's segments, in order of time."""
        return np.flatnonzero(self.item_by_segment == item_index)


def matches_id(item_id: str, id_prefix: str) -> bool:
    """Whether `id_prefix` is `item_id` or a prefix of it with at least four characters."""
    return item_id == id_prefix or (len(id_prefix) > 3 and item_id.startswith(id_prefix))


def load_snapshot(library: Library) -> Snapshot:
    """Load the last committed state. Raises AffectError if the files don't match the catalogue."""
    for attempt in range(MAX_ATTEMPTS):
        version = library.catalog.get_version()
        try:
            with library.catalog.read_transaction():
                return _read_snapshot(library, version)
        except AffectError:
            if attempt + 1 == MAX_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _read_snapshot(library: Library, catalog_version: tuple[int, int]) -> Snapshot:
    items = library.catalog.list_item_paths()
    position_by_id = {item_id: i for i, (item_id, _, _) in enumerate(items)}
    segments = library.catalog.list_segments()
    segment_ids = np.array([segment.id for segment in segments], np.int64)
    views = {
        name: _load_segment_vectors(library, vector_file, segment_ids)
        for name, vector_file in library.catalog.list_vector_files().items()
        if vector_file.is_projection
    }
    affect_vectors = views.pop(AFFECT_VECTORS_NAME, None)
    return Snapshot(
        catalog_version=catalog_version,
        generation=library.catalog.get_generation(),
        indexed_row_counts=json.loads(library.catalog.get_meta("index") or "{}").get("rows", {}),
        item_ids=tuple(item_id for item_id, _, _ in items),
        item_paths=tuple(path for _, _, path in items),
        item_modalities=np.array([modality for _, modality, _ in items], np.str_),
        item_by_segment=np.array([position_by_id[segment.item_id] for segment in segments], np.int64),
        segment_ids=segment_ids,
        spans=np.array([(segment.start, segment.end) for segment in segments], np.float64).reshape(
            -1, 2
        ),  # None becomes NaN
        views=views,
        affect_vectors=affect_vectors,
    )


def _load_segment_vectors(
    library: Library, vector_file: VectorFile, segment_ids: Positions
) -> SegmentVectors:
    pairs = np.array(library.catalog.list_rows(vector_file.name), np.int64).reshape(-1, 2)
    if len(pairs) and not 0 <= pairs[:, 0].min() <= pairs[:, 0].max() < vector_file.count:
        raise AffectError(
            f"{to_printable(library.folder)}: the catalogue counts on rows of {vector_file.name} "
            "that are not there; "
            f"run: affect verify --library {to_printable(library.folder)}"
        )
    order = np.argsort(segment_ids)
    order_positions = np.clip(
        np.searchsorted(segment_ids, pairs[:, 1], sorter=order), 0, max(len(segment_ids) - 1, 0)
    )
    positions = order[order_positions] if len(segment_ids) else np.empty(0, np.int64)
    is_current = (
        segment_ids[positions] == pairs[: len(positions), 1]
    )  # items without a path have rows, but no segment in the snapshot
    segment_by_row = np.full(vector_file.count, -1, np.int64)
    row_by_segment = np.full(len(segment_ids), -1, np.int64)
    segment_by_row[pairs[: len(positions)][is_current, 0]] = positions[is_current]
    row_by_segment[positions[is_current]] = pairs[: len(positions)][is_current, 0]
    return SegmentVectors(
        rows=library.vectors.open(vector_file), segment_by_row=segment_by_row, row_by_segment=row_by_segment
    )


def round_span(span: Sequence[float]) -> tuple[float | None, float | None]:
    """(start, end) in seconds, rounded to milliseconds, None without time."""
    start, end = (None if np.isnan(value) else round(float(value), 3) for value in span)
    return start, end

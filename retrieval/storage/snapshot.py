"""One consistent state of a library, as arrays: what a search reads."""

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
from retrieval.vector_index import rescore_all

Positions = npt.NDArray[np.int64]
MAX_ATTEMPTS = 3  # a rebuild may take the files away between reading the catalogue and opening them


@dataclass(frozen=True, kw_only=True)
class SegmentVectors:
    """A store's rows (n, d), the segment each belongs to (-1: deleted), and each segment's row (-1: none)."""

    rows: npt.NDArray[np.float16]
    segment_by_row: Positions
    row_by_segment: Positions

    def select_rows(self, segments: Positions) -> Rows:
        """Rows (len(segments), d) float32, NaN where a segment has none."""
        at = self.row_by_segment[segments]
        out = np.full((len(segments), self.rows.shape[1]), np.nan, np.float32)
        out[at >= 0] = self.rows[at[at >= 0]]
        return out

    def compute_cosines(self, segments: Positions, queries: Rows) -> Rows:
        """(q, len(segments)) inner products with unit (q, d) queries, NaN where a segment has no row.

        Equal rows get equal numbers, wherever they stand.
        """
        at = self.row_by_segment[segments]
        out = np.full((len(queries), len(segments)), np.nan, np.float32)
        out[:, at >= 0] = rescore_all(self.rows, at[at >= 0], queries)
        return out

    def compute_norms(self, segments: Positions) -> npt.NDArray[np.float64]:
        """(len(segments),) of the rows as they are kept, NaN where a segment has none."""
        return np.linalg.norm(self.select_rows(segments).astype(np.float64), axis=1)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Items and segments by position. `item_by_segment` and `segment_ids` (the catalogue's) are
    (segments,), `spans` (segments, 2) seconds, NaN where there is no time. `generation` names the row and
    index files that belong to this state, `indexed_row_counts` is the number of rows by view that index
    files cover, `affect_vectors` holds the affect of segments.
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
        """(view, modality) pairs of which there are rows: no picture says anything in a space of sound."""
        kinds = self.item_modalities[self.item_by_segment]
        return frozenset(
            (name, str(kind))
            for name, view in self.views.items()
            for kind in np.unique(kinds[view.row_by_segment >= 0])
        )

    def find_item(self, item_id: str) -> int | None:
        """Where the item of this whole id stands; None where it is not in the library."""
        at = bisect_left(self.item_ids, item_id)
        return at if self.item_ids[at : at + 1] == (item_id,) else None

    def resolve_item(self, id_prefix: str) -> int:
        """Where an item stands; a unique beginning of its id will do. Raises AffectError."""
        at = bisect_left(self.item_ids, id_prefix)  # ids are in order, so those that begin so stand together
        found = [i for i, known in enumerate(self.item_ids[at : at + 2], at) if matches_id(known, id_prefix)]
        if len(found) != 1:
            raise AffectError(
                f"item {id_prefix!r}: {'more than one begins so' if found else 'not in this library'}; "
                "see affect list"
            )
        return found[0]

    def list_segments(self, item_index: int) -> Positions:
        """Positions of an item's segments, in order of time."""
        return np.flatnonzero(self.item_by_segment == item_index)


def matches_id(item_id: str, id_prefix: str) -> bool:
    """Whether `id_prefix` stands for `item_id`: all of it, or at least its first four characters."""
    return item_id == id_prefix or (len(id_prefix) > 3 and item_id.startswith(id_prefix))


def load_snapshot(library: Library) -> Snapshot:
    """The library as last committed. Raises AffectError if its files don't match its catalogue."""
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
    position = {item_id: i for i, (item_id, _, _) in enumerate(items)}
    segments = library.catalog.list_segments()
    segment_ids = np.array([segment.id for segment in segments], np.int64)
    views = {
        name: _load_segment_vectors(library, vector_file, segment_ids)
        for name, vector_file in library.catalog.list_vector_files().items()
        if vector_file.is_projection
    }
    plane = views.pop(AFFECT_VECTORS_NAME, None)
    return Snapshot(
        catalog_version=catalog_version,
        generation=library.catalog.get_generation(),
        indexed_row_counts=json.loads(library.catalog.get_meta("index") or "{}").get("rows", {}),
        item_ids=tuple(item_id for item_id, _, _ in items),
        item_paths=tuple(path for _, _, path in items),
        item_modalities=np.array([modality for _, modality, _ in items], np.str_),
        item_by_segment=np.array([position[segment.item_id] for segment in segments], np.int64),
        segment_ids=segment_ids,
        spans=np.array([(segment.start, segment.end) for segment in segments], np.float64).reshape(
            -1, 2
        ),  # None becomes NaN
        views=views,
        affect_vectors=plane,
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
    place = np.clip(np.searchsorted(segment_ids, pairs[:, 1], sorter=order), 0, max(len(segment_ids) - 1, 0))
    at = order[place] if len(segment_ids) else np.empty(0, np.int64)
    kept = (
        segment_ids[at] == pairs[: len(at), 1]
    )  # an item that stands nowhere any more has rows but no segment here
    segment_of = np.full(vector_file.count, -1, np.int64)
    row_of = np.full(len(segment_ids), -1, np.int64)
    segment_of[pairs[: len(at)][kept, 0]] = at[kept]
    row_of[at[kept]] = pairs[: len(at)][kept, 0]
    return SegmentVectors(
        rows=library.vectors.open(vector_file), segment_by_row=segment_of, row_by_segment=row_of
    )


def round_span(span: Sequence[float]) -> tuple[float | None, float | None]:
    """(start, end) in seconds, None where there is no time."""
    start, end = (None if np.isnan(value) else round(float(value), 3) for value in span)
    return start, end

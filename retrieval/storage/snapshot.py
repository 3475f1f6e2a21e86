"""Snapshot of one committed state of a library as memory-mapped arrays, for search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from retrieval.storage.catalog import Catalog
from retrieval.storage.index_records import IndexRecord
from retrieval.storage.item_columns import MODALITIES, ItemColumns
from retrieval.storage.segment_vectors import SegmentVectors, open_segment_vectors
from retrieval.storage.vector_store import VectorStore

Positions = npt.NDArray[np.int64]
ColumnPositions = npt.NDArray[np.integer[Any]]
Mask = npt.NDArray[np.bool_]

MIN_ID_PREFIX = 4  # characters of an id that stand for it, where no other begins so


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Items and segments by position, in the order in which they were added.

    generation: of the row and index files of this state
    index_records: of the index files, by "view.modality"
    removed_items: (r,) positions of items that are not to be shown, ascending
    affect_vectors: affect estimates of segments
    """

    catalog: Catalog
    vectors: VectorStore
    catalog_version: tuple[int, int]
    generation: str
    index_records: Mapping[str, IndexRecord]
    columns: ItemColumns
    removed_items: Positions
    views: dict[str, SegmentVectors]
    affect_vectors: SegmentVectors | None = None
    _view_masks: dict[tuple[str, str], Mask] = field(default_factory=dict, repr=False)
    _feature_vectors: dict[str, SegmentVectors | None] = field(default_factory=dict, repr=False)

    @property
    def item_count(self) -> int:
        """Number of items that are not removed."""
        return len(self.columns.ids) - len(self.removed_items)

    @property
    def segment_count(self) -> int:
        """Number of segments, those of removed items included."""
        return len(self.columns.item_by_segment)

    @property
    def item_by_segment(self) -> ColumnPositions:
        """(segments,) the item of each segment, ascending."""
        return self.columns.item_by_segment

    def is_current(self) -> bool:
        """Whether nothing has been committed since."""
        return self.catalog.get_version() == self.catalog_version

    @property
    def spans(self) -> npt.NDArray[np.float64]:
        """(segments, 2) start and end in seconds, NaN without time."""
        return self.columns.spans

    @cached_property
    def is_shown(self) -> Mask:
        """(items,) whether each is in the library, and not removed."""
        is_shown = np.ones(len(self.columns.ids), np.bool_)
        is_shown[self.removed_items] = False
        return is_shown

    @cached_property
    def _modality_by_segment(self) -> npt.NDArray[np.uint8]:
        """(segments + 1,) codes of modalities, len(MODALITIES) for removed segments, and for position -1."""
        codes = np.where(self.is_shown, self.columns.modality_codes, len(MODALITIES)).astype(np.uint8)
        return np.append(codes[self.item_by_segment], np.uint8(len(MODALITIES)))

    def get_item_id(self, item: int) -> str:
        """The id of the item at a position."""
        return bytes(self.columns.ids[item]).decode()

    def get_modality(self, item: int) -> str:
        """The modality of the item at a position."""
        return MODALITIES[self.columns.modality_codes[item]]

    def get_modalities(self, items: ColumnPositions) -> npt.NDArray[np.str_]:
        """(n,) the modalities of items (n,)."""
        return np.array(MODALITIES)[self.columns.modality_codes[items]]

    def count_items(self, modalities: Sequence[str]) -> int:
        """Number of items of these modalities."""
        counts = np.bincount(self.columns.modality_codes[self.is_shown], minlength=len(MODALITIES))
        return int(sum(counts[MODALITIES.index(modality)] for modality in modalities))

    def load_paths(self, items: ColumnPositions) -> dict[int, str]:
        """The best paths of items (n,) by position, as of now; without items removed since."""
        ids = {self.get_item_id(item): int(item) for item in items}
        return {ids[item_id]: path for item_id, path in self.catalog.find_best_paths(list(ids)).items()}

    def select_affect(self, segments: ColumnPositions) -> Rows:
        """(len(segments), 4) valence, arousal and their SDs; NaN where a segment has none."""
        if self.affect_vectors is None:
            return np.full((len(segments), 4), np.nan, np.float32)
        return self.affect_vectors.select_rows(segments)

    def select_spans(self, segments: ColumnPositions) -> npt.NDArray[np.float64]:
        """(len(segments), 2) start and end in seconds, NaN without time."""
        return np.asarray(self.spans[segments])

    def sample_rows(self, view: str, count: int, seed: int) -> npt.NDArray[np.float16]:
        """(n, d) rows of a view, n at most `count`, drawn at random from those of items not removed."""
        indices = np.flatnonzero(self.mask_shown_rows(view))
        chosen = np.sort(np.random.default_rng(seed).permutation(indices)[:count])
        return np.asarray(self.views[view].rows[chosen])

    def load_features(self, role: str, segments: ColumnPositions) -> Rows | None:
        """Raw rows (len(segments), d) of a role, NaN where a segment has none; None if the role has none."""
        if role not in self._feature_vectors:
            with self.catalog.read_transaction():
                self._feature_vectors[role] = _open_features(self.catalog, self.vectors, role)
        vectors = self._feature_vectors[role]
        return None if vectors is None else vectors.select_rows(segments)

    def filter_items(self, folder: Path | None, since: datetime | None, until: datetime | None) -> Positions:
        """Positions of items with a file below a folder that was changed since and before, ascending."""
        items = np.array(self.catalog.find_item_positions(folder, since, until), np.int64)
        items = items[items < len(self.is_shown)]
        return np.unique(items[self.is_shown[items]])

    def list_segments_of(self, modalities: Sequence[str]) -> Positions:
        """Positions of all segments of items of these modalities that are not removed, ascending."""
        return np.flatnonzero(np.any([self.mask_modality(modality) for modality in modalities], axis=0))

    @cached_property
    def affect(self) -> Rows:
        """(segments, 4) the affect of all segments."""
        return self.select_affect(np.arange(self.segment_count))

    def mask_modality(self, modality: str) -> Mask:
        """(segments,) whether each belongs to an item of a modality that is not removed."""
        return np.asarray(self._modality_by_segment[:-1] == MODALITIES.index(modality))

    def mask_rows(self, view: str, modality: str) -> Mask:
        """(rows,) whether each row of a view belongs to an item of a modality that is not removed."""
        if (view, modality) not in self._view_masks:
            codes = self._modality_by_segment[self.views[view].segment_by_row]
            self._view_masks[view, modality] = codes == MODALITIES.index(modality)
        return self._view_masks[view, modality]

    def mask_shown_rows(self, view: str) -> Mask:
        """(rows,) whether each row of a view belongs to an item that is not removed."""
        return np.asarray(self._modality_by_segment[self.views[view].segment_by_row] < len(MODALITIES))

    @cached_property
    def observed_views(self) -> frozenset[tuple[str, str]]:
        """(view, modality) pairs that have rows; images, for example, have none in the audio space."""
        return frozenset(
            (name, modality)
            for name in self.views
            for modality in MODALITIES
            if self.mask_rows(name, modality).any()
        )

    def find_item(self, item_id: str) -> int | None:
        """Position of the item with this full id; None if it is not in the library."""
        position = self.catalog.find_position(item_id)
        if position is None or position.item >= len(self.is_shown) or not self.is_shown[position.item]:
            return None
        return position.item

    def resolve_item(self, id_prefix: str) -> int:
        """Position of the item with this id or unique id prefix. Raises AffectError if there is none."""
        matches = [
            position
            for item_id, position in self.catalog.find_positions_by_prefix(id_prefix)
            if matches_id(item_id, id_prefix) and position < len(self.is_shown)
        ]
        if len(matches) != 1:
            raise make_item_error(id_prefix, len(matches))
        return matches[0]

    def list_segments(self, item: int) -> Positions:
        """Positions of an item's segments, in order of time."""
        return np.arange(*np.searchsorted(self.item_by_segment, (item, item + 1)))


def matches_id(item_id: str, id_prefix: str) -> bool:
    """Whether `id_prefix` is `item_id` or a prefix of it with at least MIN_ID_PREFIX characters."""
    return item_id == id_prefix or (len(id_prefix) >= MIN_ID_PREFIX and item_id.startswith(id_prefix))


def make_item_error(id_prefix: str, match_count: int) -> AffectError:
    """The error for an id that stands for no item, or a prefix of several."""
    if match_count:
        reason = "more than one begins so"
    elif len(id_prefix) < MIN_ID_PREFIX:
        reason = f"give {MIN_ID_PREFIX} characters of its id or more"
    else:
        reason = "not in this library"
    return AffectError(f"item {id_prefix!r}: {reason}; see affect list")


def _open_features(catalog: Catalog, vectors: VectorStore, role: str) -> SegmentVectors | None:
    """The raw rows of a role as of now; None if it has none."""
    vector_file = catalog.list_vector_files().get(role)
    if vector_file is None:
        return None
    return open_segment_vectors(vectors, vector_file, catalog.get_extent().segments)


def round_span(span: Sequence[float]) -> tuple[float | None, float | None]:
    """(start, end) in seconds, rounded to milliseconds, None without time."""
    start, end = (None if np.isnan(value) else round(float(value), 3) for value in span)
    return start, end

"""A state of a library in Milvus, as far as queries have met it.

Positions of items and segments are given out as queries meet them: an item's segments follow each other, in
order of time. Rows are read when they are compared, and kept. So memory grows with the candidates, not with
the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows
from retrieval.cluster.library import MilvusLibrary
from retrieval.cluster.records import SEGMENT_FIELDS, read_segment
from retrieval.cluster.remote_rows import Positions, RemoteRows
from retrieval.cluster.schema import ITEMS, KEY, SEGMENTS, Collection, make_segment_key, split_segment_key
from retrieval.storage import MODALITIES, ItemColumns, make_item_columns, make_item_error, matches_id

MAX_KEPT_SEGMENTS = 200_000  # from which a snapshot is read afresh
MAX_LISTED_SEGMENTS = 10_000  # of a query that compares everything
NO_TIME = (None, None)


class MilvusSnapshot:
    """What has been read of a library since its last commit. Reads may raise AffectError: no answer."""

    def __init__(self, library: MilvusLibrary) -> None:
        self._catalog, self._store = library.catalog, library.store
        self._catalog.load_settings()
        self._version = self._catalog.read_version()
        self.columns = make_item_columns([], [], [])
        self._item_by_id: dict[str, int] = {}
        self._keys: list[str] = []  # of segments, by position
        collections = self._catalog.list_row_collections()
        self.views = {
            name: self._make_rows(name, collection) for name, collection in collections.items() if "." in name
        }
        self._features = {
            name: self._make_rows(name, collection)
            for name, collection in collections.items()
            if "." not in name
        }
        self._segments = RemoteRows(
            "segments", 6, self.list_keys, lambda keys: self._load_segments(keys), dtype=np.float64
        )

    def _make_rows(self, name: str, collection: Collection) -> RemoteRows:
        return RemoteRows(name, collection.dim, self.list_keys, partial(self._store.load_rows, collection))

    def _load_segments(self, keys: Sequence[str]) -> dict[str, Any]:
        records = self._store.get(SEGMENTS, keys, SEGMENT_FIELDS)
        return {record[KEY]: np.array(read_segment(record)) for record in records}

    @cached_property
    def _counts(self) -> Mapping[tuple[str, str], int]:
        """Number of items by ("", modality), and of rows by (view, modality).

        Counted after all that was committed before; what follows reads no older state.
        """
        collections = self._catalog.list_row_collections()
        actions = {
            (view, modality): partial(self._store.count, collections[view], partition=modality)
            for view in self.views
            for modality in MODALITIES
        } | {
            ("", modality): partial(self._store.count, ITEMS, f'modality == "{modality}"')
            for modality in MODALITIES
        }
        actions["segments", ""] = partial(self._store.count, SEGMENTS)
        return dict(zip(actions, self._store.connection.call_each(actions.values()), strict=True))

    def is_current(self) -> bool:
        """Whether nothing has been committed since, some seconds ago, and not too much is kept."""
        return self._catalog.read_version() == self._version and len(self._keys) <= MAX_KEPT_SEGMENTS

    @cached_property
    def index_kinds(self) -> Mapping[str, str]:
        """The kind of index of each view, and of the affect of segments by ""."""
        collections = {"": SEGMENTS, **self._catalog.list_row_collections()}
        return {name: self._store.get_index_kind(collections[name]) for name in ["", *self.views]}

    @property
    def item_count(self) -> int:
        """Number of items of the library."""
        return self.count_items(MODALITIES)

    def count_items(self, modalities: Sequence[str]) -> int:
        """Number of items of these modalities."""
        return sum(self._counts["", modality] for modality in modalities)

    @property
    def item_by_segment(self) -> npt.NDArray[np.int32]:
        """(segments,) the item of each segment that was met, ascending."""
        return self.columns.item_by_segment

    @property
    def observed_views(self) -> frozenset[tuple[str, str]]:
        """(view, modality) pairs that have rows."""
        return frozenset(pair for pair, count in self._counts.items() if all(pair) and count)

    def get_item_id(self, item: int) -> str:
        """The id of the item at a position."""
        return bytes(self.columns.ids[item]).decode()

    def get_modality(self, item: int) -> str:
        """The modality of the item at a position."""
        return MODALITIES[self.columns.modality_codes[item]]

    def get_modalities(self, items: Positions) -> npt.NDArray[np.str_]:
        """(n,) the modalities of items (n,)."""
        return np.array(MODALITIES)[self.columns.modality_codes[items]]

    def list_keys(self, segments: Positions) -> list[str]:
        """The primary keys of segments (n,)."""
        return [self._keys[segment] for segment in segments]

    def list_segments(self, item: int) -> npt.NDArray[np.int64]:
        """Positions of an item's segments, in order of time."""
        return np.arange(*np.searchsorted(self.item_by_segment, (item, item + 1)))

    def meet(self, keys: Iterable[str]) -> npt.NDArray[np.int64]:
        """Positions of the segments with these primary keys, without those of items that are not whole."""
        parts = [split_segment_key(key) for key in keys]
        self._meet_items({item_id for item_id, _ in parts})
        known = [
            (self._item_by_id[item_id], number) for item_id, number in parts if item_id in self._item_by_id
        ]
        items, numbers = np.array(known, np.int64).reshape(-1, 2).T
        return np.asarray(np.searchsorted(self.item_by_segment, items) + numbers, np.int64)

    def _meet_items(self, item_ids: Iterable[str]) -> None:
        """Give positions to items, and to all their segments, that are in the library and have none."""
        new = sorted(set(item_ids) - self._item_by_id.keys())
        records = sorted(self._store.get(ITEMS, new, ["modality", "segments"]), key=lambda one: one[KEY])
        counts = [int(record["segments"]) for record in records]
        added = make_item_columns(
            [record[KEY] for record in records],
            [record["modality"] for record in records],
            [[NO_TIME] * count for count in counts],
        )
        first = len(self.columns.ids)
        pairs = zip(self.columns.by_name.values(), added.by_name.values(), strict=True)
        ids, modality_codes, item_by_segment, spans = (np.concatenate(pair) for pair in pairs)
        item_by_segment[len(self._keys) :] += first
        self.columns = ItemColumns(
            ids=ids, modality_codes=modality_codes, item_by_segment=item_by_segment, spans=spans
        )
        self._item_by_id |= {record[KEY]: first + i for i, record in enumerate(records)}
        self._keys += [
            make_segment_key(record[KEY], number)
            for record, count in zip(records, counts, strict=True)
            for number in range(count)
        ]

    def search_affect(self, target: npt.NDArray[np.floating], modality: str, k: int) -> list[str]:
        """Primary keys of the k segments of a modality that are nearest to a target (2,) on the plane."""
        return self._store.search(SEGMENTS, target[None], k, modality, self.index_kinds[""])[0]

    def load_paths(self, items: Positions) -> dict[int, str]:
        """The best paths of items (n,) by position; without items that have no file."""
        positions = {self.get_item_id(int(item)): int(item) for item in items}
        paths = self._catalog.find_best_paths(list(positions))
        return {positions[item_id]: path for item_id, path in paths.items()}

    def select_affect(self, segments: Positions) -> Rows:
        """(len(segments), 4) valence, arousal and their SDs; NaN where a segment has none."""
        return np.asarray(self._segments.load(segments)[:, 2:], np.float32)

    def select_spans(self, segments: Positions) -> npt.NDArray[np.float64]:
        """(len(segments), 2) start and end in seconds, NaN without time."""
        return np.asarray(self._segments.load(segments)[:, :2], np.float64)

    def sample_rows(self, view: str, count: int, seed: int) -> npt.NDArray[np.float16]:
        """(n, d) rows of a view, n at most `count`: all, or those whose keys follow a drawn one.

        Keys begin with a hash of the content, so that those that follow each other are a sample of all.
        """
        collection = self._catalog.list_row_collections()[view]
        total = sum(self._counts[view, modality] for modality in MODALITIES)
        drawn = np.random.default_rng(seed).integers(16) if total > 16 * count else 0
        records = self._store.query(
            collection, f'{KEY} >= "{drawn:x}"', ["vector"], limit=min(count, max(total, 1))
        )
        rows = np.array(
            [record["vector"] for record in sorted(records, key=lambda one: one[KEY])], np.float16
        )
        return rows.reshape(-1, collection.dim)

    def load_features(self, role: str, segments: Positions) -> Rows | None:
        """Raw rows (len(segments), d) of a role, NaN where a segment has none; None if the role has none."""
        return self._features[role].select_rows(segments) if role in self._features else None

    def find_item(self, item_id: str) -> int | None:
        """Position of the item with this full id; None if it is not in the library."""
        self._meet_items([item_id])
        return self._item_by_id.get(item_id)

    def resolve_item(self, id_prefix: str) -> int:
        """Position of the item with this id or unique id prefix. Raises AffectError if there is none."""
        is_safe = id_prefix.isascii() and id_prefix.isalnum()
        records = self._store.query(ITEMS, f'{KEY} like "{id_prefix}%"', [], limit=2) if is_safe else []
        matches = [record[KEY] for record in records if matches_id(record[KEY], id_prefix)]
        position = self.find_item(matches[0]) if len(matches) == 1 else None
        if position is None:
            raise make_item_error(id_prefix, len(matches))
        return position

    def filter_items(
        self, folder: Path | None, since: datetime | None, until: datetime | None
    ) -> npt.NDArray[np.int64]:
        """Positions of items with a file below a folder that was changed since and before, ascending.

        Raises AffectError where more than MAX_LISTED_SEGMENTS files are left.
        """
        item_ids = self._catalog.find_item_ids(folder, since, until, MAX_LISTED_SEGMENTS + 1)
        if len(item_ids) > MAX_LISTED_SEGMENTS:
            raise AffectError(
                f"the filter leaves more than {MAX_LISTED_SEGMENTS} files, which a cluster does not compare "
                "one by one; make it narrower"
            )
        self._meet_items(item_ids)
        known = [self._item_by_id[item_id] for item_id in item_ids if item_id in self._item_by_id]
        return np.unique(np.array(known, np.int64))

    def list_segments_of(self, modalities: Sequence[str]) -> npt.NDArray[np.int64]:
        """Positions of all segments of items of these modalities. Raises AffectError for a large library."""
        if self._counts["segments", ""] > MAX_LISTED_SEGMENTS:
            raise AffectError(
                "this query is compared with everything (it only denies a mood, or names a region or course "
                f"of mood), which a cluster does with at most {MAX_LISTED_SEGMENTS} segments; say more"
            )
        self._meet_items(record[KEY] for record in self._store.iterate(ITEMS, []))
        is_wanted = np.isin(self.get_modalities(self.item_by_segment), modalities)
        return np.flatnonzero(is_wanted)

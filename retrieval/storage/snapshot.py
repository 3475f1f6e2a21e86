"""One consistent state of a library, as arrays: what a search reads."""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Rows, printable
from retrieval.features.pipeline import PLANE
from retrieval.storage.catalog import Store
from retrieval.storage.item_paths import BEST_PATH
from retrieval.storage.library import Library
from retrieval.vector_index.topk import rescore_all

Positions = npt.NDArray[np.int64]
TRIES = 3  # a rebuild may take the files away between reading the catalogue and opening them


@dataclass(frozen=True, kw_only=True)
class View:
    """A store's rows (n, d), the segment each belongs to (-1: deleted), and each segment's row (-1: none)."""

    rows: npt.NDArray[np.float16]
    segment_of: Positions
    row_of: Positions

    def of(self, segments: Positions) -> Rows:
        """Rows (len(segments), d) float32, NaN where a segment has none."""
        at = self.row_of[segments]
        out = np.full((len(segments), self.rows.shape[1]), np.nan, np.float32)
        out[at >= 0] = self.rows[at[at >= 0]]
        return out

    def cosines(self, segments: Positions, queries: Rows) -> Rows:
        """(q, len(segments)) inner products with unit (q, d) queries, NaN where a segment has no row.

        Equal rows get equal numbers, wherever they stand.
        """
        at = self.row_of[segments]
        out = np.full((len(queries), len(segments)), np.nan, np.float32)
        out[:, at >= 0] = rescore_all(self.rows, at[at >= 0], queries)
        return out

    def lengths(self, segments: Positions) -> npt.NDArray[np.float64]:
        """(len(segments),) of the rows as they are kept, NaN where a segment has none."""
        return np.linalg.norm(self.of(segments).astype(np.float64), axis=1)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Items and segments by position. `item_of` and `segment_ids` (the catalogue's) are (segments,),
    `spans` (segments, 2) seconds, NaN where there is no time. `generation` names the row and index files
    that belong to this state, `indexed` is the number of rows by view that index files cover, `plane` holds
    the affect of segments.
    """

    version: tuple[int, int]
    generation: str
    indexed: Mapping[str, int]
    ids: tuple[str, ...]
    paths: tuple[str, ...]
    modality: npt.NDArray[np.str_]
    item_of: Positions
    segment_ids: Positions
    spans: npt.NDArray[np.float64]
    views: dict[str, View]
    plane: View | None = None

    def affect_of(self, segments: Positions) -> Rows:
        """(len(segments), 4) valence, arousal and their SDs; NaN where a segment has none."""
        if self.plane is None:
            return np.full((len(segments), 4), np.nan, np.float32)
        return self.plane.of(segments)

    @cached_property
    def affect(self) -> Rows:
        """(segments, 4) the affect of all segments."""
        return self.affect_of(np.arange(len(self.item_of)))

    def of_modality(self, modality: str) -> npt.NDArray[np.bool_]:
        """(segments,) whether each belongs to an item of a modality."""
        return np.asarray(self.modality[self.item_of] == modality)

    @cached_property
    def told(self) -> frozenset[tuple[str, str]]:
        """(view, modality) pairs of which there are rows: no picture says anything in a space of sound."""
        kinds = self.modality[self.item_of]
        return frozenset(
            (name, str(kind))
            for name, view in self.views.items()
            for kind in np.unique(kinds[view.row_of >= 0])
        )

    def find(self, item: str) -> int | None:
        """Where the item of this whole id stands; None where it is not in the library."""
        at = bisect_left(self.ids, item)
        return at if self.ids[at : at + 1] == (item,) else None

    def position(self, item: str) -> int:
        """Where an item stands; a unique beginning of its id will do. Raises AffectError."""
        at = bisect_left(self.ids, item)  # ids are in order, so those that begin so stand together
        found = [i for i, known in enumerate(self.ids[at : at + 2], at) if begins(known, item)]
        if len(found) != 1:
            raise AffectError(
                f"item {item!r}: {'more than one begins so' if found else 'not in this library'}; "
                "see affect list"
            )
        return found[0]

    def segments_of(self, item: int) -> Positions:
        """Positions of an item's segments, in order of time."""
        return np.flatnonzero(self.item_of == item)


def begins(known: str, item: str) -> bool:
    """Whether `item` stands for the id `known`: all of it, or at least four characters of its beginning."""
    return known == item or (len(item) > 3 and known.startswith(item))


def take(library: Library) -> Snapshot:
    """The library as last committed. Raises AffectError if its files don't match its catalogue."""
    for attempt in range(TRIES):
        version = library.catalog.version()
        try:
            with library.catalog.snapshot():
                return _read(library, version)
        except AffectError:
            if attempt + 1 == TRIES:
                raise
    raise AssertionError("unreachable")


def _read(library: Library, version: tuple[int, int]) -> Snapshot:
    sql = library.catalog.all
    items = sql(
        f"SELECT items.id, modality, {BEST_PATH} FROM items JOIN files ON item = items.id "
        "GROUP BY items.id ORDER BY items.id"
    )
    number = {row[0]: i for i, row in enumerate(items)}
    segments = sql(
        'SELECT id, item, start, "end" FROM segments WHERE item IN (SELECT item FROM files) '
        "ORDER BY item, number"
    )
    known = np.array([row[0] for row in segments], np.int64)
    views = {name: _view(library, s, known) for name, s in library.catalog.stores().items() if "." in name}
    plane = views.pop(PLANE, None)
    return Snapshot(
        version=version,
        generation=library.generation,
        indexed=json.loads(library.catalog.get("index") or "{}").get("rows", {}),
        ids=tuple(row[0] for row in items),
        paths=tuple(os.fsdecode(row[2]) for row in items),
        modality=np.array([row[1] for row in items], np.str_),
        item_of=np.array([number[row[1]] for row in segments], np.int64),
        segment_ids=known,
        spans=np.array([[_time(row[2]), _time(row[3])] for row in segments], np.float64).reshape(-1, 2),
        views=views,
        plane=plane,
    )


def _time(seconds: float | None) -> float:
    return np.nan if seconds is None else seconds


def _view(library: Library, store: Store, segments: Positions) -> View:
    found = library.catalog.all("SELECT row, segment FROM rows WHERE store = ?", store.name)
    pairs = np.array(found, np.int64).reshape(-1, 2)
    if len(pairs) and not 0 <= pairs[:, 0].min() <= pairs[:, 0].max() < store.count:
        raise AffectError(
            f"{printable(library.folder)}: the catalogue counts on rows of {store.name} that are not there; "
            f"run: affect verify --library {printable(library.folder)}"
        )
    order = np.argsort(segments)
    place = np.clip(np.searchsorted(segments, pairs[:, 1], sorter=order), 0, max(len(segments) - 1, 0))
    at = order[place] if len(segments) else np.empty(0, np.int64)
    kept = (
        segments[at] == pairs[: len(at), 1]
    )  # an item that stands nowhere any more has rows but no segment here
    segment_of = np.full(store.count, -1, np.int64)
    row_of = np.full(len(segments), -1, np.int64)
    segment_of[pairs[: len(at)][kept, 0]] = at[kept]
    row_of[at[kept]] = pairs[: len(at)][kept, 0]
    return View(rows=library.mapped(store), segment_of=segment_of, row_of=row_of)


def times(span: Sequence[float]) -> tuple[float | None, float | None]:
    """(start, end) in seconds, None where there is no time."""
    start, end = (None if np.isnan(value) else round(float(value), 3) for value in span)
    return start, end

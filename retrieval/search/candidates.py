"""Which segments are worth scoring: the nearest of every view and modality the query speaks in.

Exact by default. After `affect rebuild --index annoy` there is one Annoy file a view and modality; rows that
came later are searched exactly until the next rebuild, deleted ones are passed over.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, missing, unit_rows
from retrieval.search.query import MODALITIES
from retrieval.storage.library import Library
from retrieval.storage.locking import translate_disk_errors
from retrieval.storage.snapshot import Snapshot, SegmentVectors, load_snapshot
from retrieval.vector_index.exact import AnnoyIndex, ExactIndex, VectorIndex

Places = npt.NDArray[np.int64]
log = logging.getLogger(__name__)
SAMPLE = 200  # queries with which a new Annoy file's recall is measured
SEED = 0
TREES = 40


class Candidates:
    """Finds the segments to score in one snapshot of a library."""

    def __init__(self, library: Library, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._searches: dict[tuple[str, str], _Search] = {}
        self._folder = _folder(library, snapshot.generation)
        self._exact: dict[str, ExactIndex] = {}

    def find(self, asked: Iterable[Mapping[str, Rows]], modalities: Sequence[str], k: int) -> Places:
        """Segment positions, ascending: over parts, views and modalities, the nearest of at least k items.

        They are nearest to the mean of a part's rows; each of its rows brings its own nearest beside them, so
        that an item which is near one segment of a film is not missed.
        """
        found = [
            near
            for part in asked
            for view, rows in part.items()
            if view in self._snapshot.views and len(here := rows[~missing(rows)])
            for modality in modalities
            for near in self._of_part(self._search(view, modality), here, k)
        ]
        return np.unique(np.concatenate([np.empty(0, np.int64), *found]))

    def _of_part(self, search: _Search, rows: Rows, k: int) -> Iterator[Places]:
        if len(rows) == 1:
            yield self._of_items(search, rows, k)
            return
        mean = unit_rows(rows.mean(axis=0, keepdims=True))
        if not missing(mean).any():  # rows that cancel have no mean direction
            yield self._of_items(search, mean, k)
        yield search.nearest(rows, max(k // len(rows), 1))

    def _of_items(self, search: _Search, rows: Rows, k: int) -> Places:
        """Deepens until k items are met, or all: a long film has more segments than one asks for."""
        want, items = k, min(k, search.items)
        while True:
            found = search.nearest(rows, want)
            if len(found) < want or len(np.unique(self._snapshot.item_by_segment[found])) >= items:
                return found
            want *= 4

    def _search(self, view: str, modality: str) -> _Search:
        if (view, modality) not in self._searches:
            self._searches[view, modality] = self._make(view, modality)
        return self._searches[view, modality]

    def _make(self, view: str, modality: str) -> _Search:
        table = self._snapshot.views[view]
        mask = _of_modality(self._snapshot, table, modality)
        items = len(np.unique(self._snapshot.item_by_segment[table.segment_by_row[mask]]))
        if view not in self._exact:
            self._exact[view] = ExactIndex(table.rows)
        if (covered := self._snapshot.indexed_row_counts.get(view, 0)) and mask[:covered].any():
            file = self._folder / f"{view}.{modality}.ann"
            if (built := _loaded(file, table.rows.shape[1])) is not None:
                mask[:covered] = False  # the rest is the tail, searched exactly
                return _Search(table, mask, self._exact[view], items, *built)
        return _Search(table, mask, self._exact[view], items)


class _Search:
    """One view and modality of so many `items`: exact over the rows in `mask`, Annoy over `places`."""

    def __init__(
        self, view: SegmentVectors, mask: npt.NDArray[np.bool_], exact: VectorIndex, items: int,
        annoy: AnnoyIndex | None = None, places: Places | None = None,
    ) -> None:  # fmt: skip
        self._view, self._mask, self._exact, self.items = view, mask, exact, items
        self._annoy, self._places = annoy, places

    @cached_property
    def _alive(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self._view.segment_by_row[self._places] >= 0)

    def nearest(self, rows: Rows, k: int) -> Places:
        """Segment positions of the k nearest rows to each of (q, d)."""
        found = []
        if self._mask.any():
            found.append(self._exact.search(rows, k, self._mask)[0].ravel())
        if self._annoy is not None and self._places is not None and self._alive.any():
            at = self._annoy.search(rows, k, self._alive)[0].ravel()
            found.append(self._places[at[at >= 0]])
        places = np.concatenate([np.empty(0, np.int64), *found])
        return np.asarray(self._view.segment_by_row[places[places >= 0]])


def _loaded(file: Path, dim: int) -> tuple[AnnoyIndex, Places] | None:
    """An Annoy file and the rows it covers; None where it is gone or damaged: exact search needs none."""
    try:
        return AnnoyIndex.load(file, dim), np.load(file.with_suffix(".npy"))
    except FileNotFoundError:  # another process has just rebuilt the library
        return None
    except (OSError, ValueError) as bad:
        log.warning("%s: damaged (%s); searching exactly, affect rebuild --index annoy mends it", file, bad)
        return None


def _of_modality(snapshot: Snapshot, view: SegmentVectors, modality: str) -> npt.NDArray[np.bool_]:
    mask = view.segment_by_row >= 0
    items = snapshot.item_by_segment[view.segment_by_row[mask]]
    mask[mask] = snapshot.item_modalities[items] == modality
    return mask


def kind(library: Library) -> str:
    """ "exact" or "annoy": how this library is searched."""
    return str(_kept(library).get("kind", "exact"))


def trees(library: Library) -> int:
    """Trees an Annoy file was last built with, or is to be where there is none."""
    return int(_kept(library).get("trees", TREES))


def _kept(library: Library) -> dict[str, Any]:
    return dict(json.loads(library.catalog.get_meta("index") or "{}"))


def _folder(library: Library, generation: str) -> Path:
    return library.folder / "annoy" / generation


def renew(library: Library, kind: str, trees: int) -> dict[str, float]:
    """After a rebuild: index files anew if the library is searched by "annoy"; recalls as `build` tells."""
    drop(library)
    return build(library, trees) if kind == "annoy" else {}


def build(library: Library, trees: int) -> dict[str, float]:
    """Build Annoy files over the library's rows; the caller holds the right to write.

    Returns recall at 10 against exact search, by "view.modality", measured on rows of the library itself.
    """
    snapshot = load_snapshot(library)
    folder = _folder(library, snapshot.generation)
    recalls = {}
    with translate_disk_errors(library.folder):
        for view, table in snapshot.views.items():
            for modality in MODALITIES:
                places = np.flatnonzero(_of_modality(snapshot, table, modality))
                if len(places):
                    file = folder / f"{view}.{modality}.ann"
                    recalls[f"{view}.{modality}"] = _build(table, places, file, trees)
    rows = {view: len(table.rows) for view, table in snapshot.views.items()}
    with library.catalog.transaction():
        library.catalog.set_meta("index", json.dumps({"kind": "annoy", "trees": trees, "rows": rows}))
    return recalls


def _build(table: SegmentVectors, places: Places, file: Path, trees: int) -> float:
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = np.asarray(table.rows[places], np.float32)
    annoy = AnnoyIndex.build(rows, file, tree_count=trees, seed=SEED)
    np.save(file.with_suffix(".npy"), places)
    chosen = rows[np.random.default_rng(SEED).permutation(len(rows))[:SAMPLE]]
    return overlap(annoy.search(chosen, 10)[0], ExactIndex(rows).search(chosen, 10)[0])


def overlap(found: Places, wanted: Places) -> float:
    """Share of the wanted positions (q, k) that were found; -1 does not count."""
    hits = sum(len(np.intersect1d(f[f >= 0], w[w >= 0])) for f, w in zip(found, wanted, strict=True))
    return hits / max(int((wanted >= 0).sum()), 1)


def drop(library: Library) -> None:
    """Back to exact search; old files of Annoy go."""
    with library.catalog.transaction():
        library.catalog.set_meta("index", json.dumps({"kind": "exact"}))
    shutil.rmtree(library.folder / "annoy", ignore_errors=True)

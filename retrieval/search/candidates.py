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

from encoders.base import Rows, is_missing_row, unit_rows
from retrieval.search.query import MODALITIES
from retrieval.storage.library import Library
from retrieval.storage.locking import translate_disk_errors
from retrieval.storage.snapshot import SegmentVectors, Snapshot, load_snapshot
from retrieval.vector_index.exact import AnnoyIndex, ExactIndex, VectorIndex

Positions = npt.NDArray[np.int64]
log = logging.getLogger(__name__)
RECALL_QUERY_COUNT = 200  # queries with which a new Annoy file's recall is measured
SEED = 0
DEFAULT_TREE_COUNT = 40


class CandidateSearch:
    """Finds the segments to score in one snapshot of a library."""

    def __init__(self, library: Library, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._view_searches: dict[tuple[str, str], _ViewSearch] = {}
        self._index_folder = _get_index_folder(library, snapshot.generation)
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
        table = self._snapshot.views[view]
        mask = _mask_modality(self._snapshot, table, modality)
        items = len(np.unique(self._snapshot.item_by_segment[table.segment_by_row[mask]]))
        if view not in self._exact_indices:
            self._exact_indices[view] = ExactIndex(table.rows)
        if (covered := self._snapshot.indexed_row_counts.get(view, 0)) and mask[:covered].any():
            file = self._index_folder / f"{view}.{modality}.ann"
            if (built := _load_annoy_index(file, table.rows.shape[1])) is not None:
                mask[:covered] = False  # the rest is the tail, searched exactly
                return _ViewSearch(table, mask, self._exact_indices[view], items, *built)
        return _ViewSearch(table, mask, self._exact_indices[view], items)


class _ViewSearch:
    """One view and modality of so many `item_count`: exact over the rows in `mask`, Annoy over `places`."""

    def __init__(
        self, vectors: SegmentVectors, mask: npt.NDArray[np.bool_], exact_index: VectorIndex, item_count: int,
        annoy_index: AnnoyIndex | None = None, annoy_positions: Positions | None = None,
    ) -> None:  # fmt: skip
        self._vectors, self._mask, self._exact_index, self.item_count = vectors, mask, exact_index, item_count
        self._annoy_index, self._annoy_positions = annoy_index, annoy_positions

    @cached_property
    def _annoy_mask(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self._vectors.segment_by_row[self._annoy_positions] >= 0)

    def find_nearest(self, queries: Rows, k: int) -> Positions:
        """Segment positions of the k nearest rows to each of (q, d)."""
        found = []
        if self._mask.any():
            found.append(self._exact_index.search(queries, k, self._mask)[0].ravel())
        if self._annoy_index is not None and self._annoy_positions is not None and self._annoy_mask.any():
            at = self._annoy_index.search(queries, k, self._annoy_mask)[0].ravel()
            found.append(self._annoy_positions[at[at >= 0]])
        places = np.concatenate([np.empty(0, np.int64), *found])
        return np.asarray(self._vectors.segment_by_row[places[places >= 0]])


def _load_annoy_index(path: Path, dim: int) -> tuple[AnnoyIndex, Positions] | None:
    """An Annoy file and the rows it covers; None where it is gone or damaged: exact search needs none."""
    try:
        return AnnoyIndex.load(path, dim), np.load(path.with_suffix(".npy"))
    except FileNotFoundError:  # another process has just rebuilt the library
        return None
    except (OSError, ValueError) as bad:
        log.warning("%s: damaged (%s); searching exactly, affect rebuild --index annoy mends it", path, bad)
        return None


def _mask_modality(snapshot: Snapshot, vectors: SegmentVectors, modality: str) -> npt.NDArray[np.bool_]:
    mask = vectors.segment_by_row >= 0
    items = snapshot.item_by_segment[vectors.segment_by_row[mask]]
    mask[mask] = snapshot.item_modalities[items] == modality
    return mask


def get_index_kind(library: Library) -> str:
    """ "exact" or "annoy": how this library is searched."""
    return str(_load_index_settings(library).get("kind", "exact"))


def get_tree_count(library: Library) -> int:
    """Trees an Annoy file was last built with, or is to be where there is none."""
    return int(_load_index_settings(library).get("trees", DEFAULT_TREE_COUNT))


def _load_index_settings(library: Library) -> dict[str, Any]:
    return dict(json.loads(library.catalog.get_meta("index") or "{}"))


def _get_index_folder(library: Library, generation: str) -> Path:
    return library.folder / "annoy" / generation


def rebuild_index(library: Library, kind: str, tree_count: int) -> dict[str, float]:
    """After a rebuild: index files anew for "annoy"; recalls as `build_annoy_indices` gives them."""
    remove_annoy_indices(library)
    return build_annoy_indices(library, tree_count) if kind == "annoy" else {}


def build_annoy_indices(library: Library, tree_count: int) -> dict[str, float]:
    """Build Annoy files over the library's rows; the caller holds the right to write.

    Returns recall at 10 against exact search, by "view.modality", measured on rows of the library itself.
    """
    snapshot = load_snapshot(library)
    folder = _get_index_folder(library, snapshot.generation)
    recalls = {}
    with translate_disk_errors(library.folder):
        for view, table in snapshot.views.items():
            for modality in MODALITIES:
                places = np.flatnonzero(_mask_modality(snapshot, table, modality))
                if len(places):
                    file = folder / f"{view}.{modality}.ann"
                    recalls[f"{view}.{modality}"] = _build_annoy_index(table, places, file, tree_count)
    rows = {view: len(table.rows) for view, table in snapshot.views.items()}
    with library.catalog.transaction():
        library.catalog.set_meta("index", json.dumps({"kind": "annoy", "trees": tree_count, "rows": rows}))
    return recalls


def _build_annoy_index(vectors: SegmentVectors, positions: Positions, path: Path, tree_count: int) -> float:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.asarray(vectors.rows[positions], np.float32)
    annoy = AnnoyIndex.build(rows, path, tree_count=tree_count, seed=SEED)
    np.save(path.with_suffix(".npy"), positions)
    chosen = rows[np.random.default_rng(SEED).permutation(len(rows))[:RECALL_QUERY_COUNT]]
    return compute_index_recall(annoy.search(chosen, 10)[0], ExactIndex(rows).search(chosen, 10)[0])


def compute_index_recall(found: Positions, expected: Positions) -> float:
    """Share of the wanted positions (q, k) that were found; -1 does not count."""
    hits = sum(len(np.intersect1d(f[f >= 0], w[w >= 0])) for f, w in zip(found, expected, strict=True))
    return hits / max(int((expected >= 0).sum()), 1)


def remove_annoy_indices(library: Library) -> None:
    """Back to exact search; old files of Annoy go."""
    with library.catalog.transaction():
        library.catalog.set_meta("index", json.dumps({"kind": "exact"}))
    shutil.rmtree(library.folder / "annoy", ignore_errors=True)

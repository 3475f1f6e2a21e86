"""Index files of a library: one a view and modality, of a kind of `retrieval.vector_index.registry`."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.search.query_fields import MODALITIES
from retrieval.storage import Library, SegmentVectors, Snapshot, load_snapshot, translate_disk_errors
from retrieval.vector_index import (
    DEFAULT_INDEX,
    INDEX_KINDS,
    ExactIndex,
    IndexKind,
    VectorIndex,
    get_index_kind,
)

Positions = npt.NDArray[np.int64]
log = logging.getLogger(__name__)
SETTINGS_KEY = "index"  # of the catalogue: kind, options, and how many rows of each view its files cover
RECALL_QUERY_COUNT = 200  # rows with which the recall of a new file is measured
RECALL_DEPTH = 10
UNREADABLE_INDEX_ERRORS = (OSError, ValueError, EOFError)
SEED = 0


@dataclass(frozen=True, kw_only=True)
class StoredIndex:
    """An index of a file, and the row of the view (n,) that each of its positions stands for."""

    index: VectorIndex
    row_indices: Positions


@dataclass(frozen=True, kw_only=True)
class IndexFiles:
    """The index files of one generation of a library, all of one kind."""

    kind: IndexKind
    folder: Path

    @classmethod
    def of_library(cls, library: Library, generation: str) -> IndexFiles:
        """Those a library has now. Raises UnknownNameError for a kind that is not known here."""
        kind = load_index_kind(library)
        return cls(kind=kind, folder=library.folder / kind.name / generation)

    def make_path(self, view: str, modality: str) -> Path:
        """Where the file of a view and modality is."""
        return self.folder / f"{view}.{modality}{self.kind.file_suffix}"

    def read(self, view: str, modality: str, dim: int) -> StoredIndex | None:
        """The index of a view and modality; None where the kind keeps no files.

        Raises one of UNREADABLE_INDEX_ERRORS for a file that is absent or damaged.
        """
        if self.kind.load is None:
            return None
        path = self.make_path(view, modality)
        return StoredIndex(index=self.kind.load(path, dim), row_indices=np.load(path.with_suffix(".npy")))

    def load(self, view: str, modality: str, dim: int) -> StoredIndex | None:
        """As `read`, but None, and a warning, for a damaged file: exact search needs none."""
        try:
            return self.read(view, modality, dim)
        except FileNotFoundError:  # another process has just rebuilt the library
            return None
        except UNREADABLE_INDEX_ERRORS as bad:
            log.warning(
                "%s: damaged (%s); searching exactly, affect rebuild --index %s mends it",
                self.make_path(view, modality), bad, self.kind.name,
            )  # fmt: skip
            return None

    def write(self, view: str, modality: str, vectors: SegmentVectors, row_indices: Positions,
              options: Mapping[str, int]) -> float:  # fmt: skip
        """Build the file of these rows; gives its recall at RECALL_DEPTH against exact search."""
        path = self.make_path(view, modality)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = np.asarray(vectors.rows[row_indices], np.float32)
        index = self.kind.build(rows, path, options, SEED)
        np.save(path.with_suffix(".npy"), row_indices)
        queries = rows[np.random.default_rng(SEED).permutation(len(rows))[:RECALL_QUERY_COUNT]]
        neighbours, exact = (one.search(queries, RECALL_DEPTH)[0] for one in (index, ExactIndex(rows)))
        return compute_index_recall(neighbours, exact)


def load_index_kind(library: Library) -> IndexKind:
    """The kind of index a library is searched with. Raises UnknownNameError."""
    return get_index_kind(str(_load_settings(library).get("kind", DEFAULT_INDEX)))


def load_index_options(library: Library, kind: IndexKind) -> dict[str, int]:
    """The options a library's index was last built with, defaults for those that are not stored."""
    return kind.fill_options(_load_settings(library))


def _load_settings(library: Library) -> dict[str, Any]:
    return dict(json.loads(library.catalog.get_meta(SETTINGS_KEY) or "{}"))


def _write_settings(library: Library, settings: Mapping[str, Any]) -> None:
    with library.catalog.transaction():
        library.catalog.set_meta(SETTINGS_KEY, json.dumps(dict(settings)))


def rebuild_index(library: Library, kind: IndexKind, options: Mapping[str, int]) -> dict[str, float]:
    """After a rebuild: remove all index files and build those of `kind`; the caller may write.

    Gives recall at RECALL_DEPTH against exact search by "view.modality", measured on rows of the library
    itself; empty for a kind that keeps no files.
    """
    _write_settings(library, {"kind": DEFAULT_INDEX})  # what is left if building fails
    for other in INDEX_KINDS.values():
        shutil.rmtree(library.folder / other.name, ignore_errors=True)
    snapshot = load_snapshot(library)
    recalls: dict[str, float] = {}
    settings: dict[str, Any] = {"kind": kind.name, **kind.fill_options(options)}
    if kind.load is not None:
        files = IndexFiles(kind=kind, folder=library.folder / kind.name / snapshot.generation)
        with translate_disk_errors(library.folder):
            for view, modality, row_indices in _iterate_indexable(snapshot):
                recalls[f"{view}.{modality}"] = files.write(
                    view, modality, snapshot.views[view], row_indices, kind.fill_options(options)
                )
        settings["rows"] = {view: len(vectors.rows) for view, vectors in snapshot.views.items()}
    _write_settings(library, settings)
    return recalls


def find_index_problems(library: Library) -> list[str]:
    """What is wrong with a library's index files, a line each; empty when all can be read."""
    snapshot = load_snapshot(library)
    files, problems = IndexFiles.of_library(library, snapshot.generation), []
    for view, modality, row_indices in _iterate_indexable(snapshot):
        if not (row_indices < snapshot.indexed_row_counts.get(view, 0)).any():
            continue  # no file covers them
        try:
            files.read(view, modality, snapshot.views[view].rows.shape[1])
        except UNREADABLE_INDEX_ERRORS as bad:
            path = files.make_path(view, modality).relative_to(library.folder)
            problems.append(f"{path}: no index can be read ({bad}); affect rebuild makes it anew")
    return problems


def _iterate_indexable(snapshot: Snapshot) -> Iterator[tuple[str, str, Positions]]:
    """(view, modality, rows that belong to a segment) of every pair that has any."""
    for view, vectors in snapshot.views.items():
        for modality in MODALITIES:
            row_indices = np.flatnonzero(mask_modality(snapshot, vectors, modality))
            if len(row_indices):
                yield view, modality, row_indices


def mask_modality(snapshot: Snapshot, vectors: SegmentVectors, modality: str) -> npt.NDArray[np.bool_]:
    """(rows,) whether each row belongs to a segment of an item of a modality."""
    mask = vectors.segment_by_row >= 0
    items = snapshot.item_by_segment[vectors.segment_by_row[mask]]
    mask[mask] = snapshot.item_modalities[items] == modality
    return mask


def compute_index_recall(neighbours: Positions, exact_neighbours: Positions) -> float:
    """Share of the exact neighbours (q, k) that are among those found (q, k); -1 does not count."""
    hits = sum(
        len(np.intersect1d(found[found >= 0], exact[exact >= 0]))
        for found, exact in zip(neighbours, exact_neighbours, strict=True)
    )
    return hits / max(int((exact_neighbours >= 0).sum()), 1)

"""Building, tuning and checking of a library's index files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import Rows, make_draft_path
from retrieval.search.index_files import UNREADABLE_INDEX_ERRORS, IndexFiles, IndexSettings
from retrieval.search.index_recall import project_sentences, tune_effort
from retrieval.storage import (
    MODALITIES,
    IndexRecord,
    Library,
    Snapshot,
    load_snapshot,
    translate_disk_errors,
)
from retrieval.vector_index import (
    INDEX_KINDS,
    IndexKind,
    RowSubset,
    VectorIndex,
    choose_index_kind,
    is_small,
)

Positions = npt.NDArray[np.int64]
ProgressCallback = Callable[[str], None]

MIN_LATER_SHARE = 0.05  # of the covered rows: fewer later ones wait for the next build
SEED = 0


@dataclass(frozen=True, kw_only=True)
class _IndexBuild:
    """What an index file is to be built from: a view's rows (n,) of a modality."""

    view: str
    modality: str
    row_indices: Positions
    kind: IndexKind

    @property
    def name(self) -> str:
        return f"{self.view}.{self.modality}"


def rebuild_index(
    library: Library,
    settings: IndexSettings,
    on_progress: ProgressCallback = lambda line: None,
    text_queries: Mapping[str, Rows] | None = None,
) -> dict[str, float]:
    """Build all index files anew as `settings` say, and let searches use them; the caller may write.

    Gives recall at RECALL_DEPTH against exact search by "view.modality", measured on rows of the library and
    on texts: (t, d) by view, by default everyday sentences. Raises AffectError for a full disk; the library
    is then searched as before.
    """
    snapshot = load_snapshot(library)
    builds = list(_plan_builds(snapshot, settings))
    records = _build_files(library, snapshot, settings, builds, on_progress, text_queries)
    _install(library, snapshot, settings, records)
    return {name: record.recall for name, record in records.items()}


def update_index(library: Library, on_progress: ProgressCallback = lambda line: None) -> None:
    """Build the index files of which too many later rows are searched exactly; the caller may write.

    Raises AffectError for a full disk; the library is then searched as before.
    """
    settings, snapshot = IndexSettings.load(library), load_snapshot(library)
    builds = [
        build
        for build in _plan_builds(snapshot, settings)
        if _is_outdated(snapshot, build, snapshot.index_records.get(build.name))
    ]
    if builds:
        new_records = _build_files(library, snapshot, settings, builds, on_progress)
        _install(library, snapshot, settings, {**snapshot.index_records, **new_records})


def _is_outdated(snapshot: Snapshot, build: _IndexBuild, record: IndexRecord | None) -> bool:
    covered = 0 if record is None else int(np.searchsorted(build.row_indices, record.row_count))
    later = len(build.row_indices) - covered
    dim = snapshot.views[build.view].rows.shape[1]
    return not is_small(later, dim) and later > MIN_LATER_SHARE * covered


def _plan_builds(snapshot: Snapshot, settings: IndexSettings) -> Iterator[_IndexBuild]:
    """Every pair of view and modality that is to have a file."""
    for view, vectors in snapshot.views.items():
        for modality in MODALITIES:
            row_indices = np.flatnonzero(snapshot.mask_rows(view, modality))
            if not len(row_indices):
                continue
            kind = choose_index_kind(settings.choice, len(row_indices), vectors.rows.shape[1])
            if kind.load is not None:
                yield _IndexBuild(view=view, modality=modality, row_indices=row_indices, kind=kind)


def _build_files(
    library: Library,
    snapshot: Snapshot,
    settings: IndexSettings,
    builds: Sequence[_IndexBuild],
    on_progress: ProgressCallback,
    text_queries: Mapping[str, Rows] | None = None,
) -> dict[str, IndexRecord]:
    """Write the files, as many at a time as there are cores, and give their records."""
    if text_queries is None:
        text_queries = project_sentences(library) if builds else {}
    number = 1 + max((record.number for record in snapshot.index_records.values()), default=0)
    files = IndexFiles(library.folder, snapshot.generation, {})
    done = count(1)

    def build_file(build: _IndexBuild) -> IndexRecord:
        stored_rows = snapshot.views[build.view].rows
        record = IndexRecord(
            kind=build.kind.name,
            row_count=len(stored_rows),
            number=number,
            effort=build.kind.efforts[0],
            recall=1.0,
        )
        rows = RowSubset(stored_rows, build.row_indices)
        index = _write_file(files.make_path(build.view, build.modality, record), build, rows, settings)
        effort, recall = tune_effort(index, rows, build.kind.efforts, text_queries.get(build.view))
        if not is_small(*rows.shape):
            on_progress(f"built index {next(done)} of {len(builds)}: {build.name}, {len(rows)} rows")
        return replace(record, effort=effort, recall=recall)

    with translate_disk_errors(library.folder), ThreadPoolExecutor(os.cpu_count()) as threads:
        records = list(threads.map(build_file, builds))
    return {build.name: record for build, record in zip(builds, records, strict=True)}


def _write_file(path: Path, build: _IndexBuild, rows: RowSubset, settings: IndexSettings) -> VectorIndex:
    path.parent.mkdir(parents=True, exist_ok=True)
    index = build.kind.build(rows, path, settings.fill_options(build.kind), SEED)
    positions_path = path.with_suffix(".npy")
    with make_draft_path(positions_path) as draft:
        np.save(draft, build.row_indices)
        with draft.open("rb+") as stream:
            os.fsync(stream.fileno())
        draft.replace(positions_path)
    return index


def _install(
    library: Library, snapshot: Snapshot, settings: IndexSettings, records: Mapping[str, IndexRecord]
) -> None:
    """Let searches use the files of `records`, and remove all others."""
    with library.catalog.transaction():
        settings.save(library, snapshot.generation, records)
    files = IndexFiles(library.folder, snapshot.generation, records)
    kept: set[Path] = set()
    for name, record in records.items():
        view, modality = name.rsplit(".", 1)
        path = files.make_path(view, modality, record)
        kept |= {path, path.with_suffix(".npy")}
    for kind in INDEX_KINDS.values():
        for folder in (library.folder / kind.name).glob("*"):
            if folder.name != snapshot.generation:
                shutil.rmtree(folder, ignore_errors=True)
        for path in (library.folder / kind.name / snapshot.generation).glob("*"):
            if path not in kept:
                path.unlink(missing_ok=True)


def find_index_problems(library: Library) -> list[str]:
    """What is wrong with a library's index files, a line each; empty when all can be read."""
    snapshot, problems = load_snapshot(library), []
    files = IndexFiles(library.folder, snapshot.generation, snapshot.index_records)
    for name, record in snapshot.index_records.items():
        view, modality = name.rsplit(".", 1)
        try:
            files.read(view, modality, snapshot.views[view].rows)
        except (*UNREADABLE_INDEX_ERRORS, KeyError) as bad:
            path = files.make_path(view, modality, record).relative_to(library.folder)
            problems.append(f"{path}: no index can be read ({bad}); affect rebuild makes it anew")
    return problems

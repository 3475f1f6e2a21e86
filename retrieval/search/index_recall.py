"""Recall of index files against exact search, and the least effort with which they reach it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from encoders import MissingBackendError, Rows, is_missing_row, unit_rows
from retrieval.search.calibration import BACKGROUND_SENTENCES
from retrieval.search.index_files import IndexFiles
from retrieval.storage import Library, load_snapshot
from retrieval.vector_index import RowSubset, VectorIndex, find_exact_neighbours

Positions = npt.NDArray[np.int64]

WANTED_RECALL = 0.95
RECALL_QUERY_COUNT = 200  # rows with which recall is measured
RECALL_DEPTH = 10
SEED = 0


def tune_effort(
    index: VectorIndex, rows: RowSubset, efforts: Sequence[int], text_queries: Rows | None
) -> tuple[int, float]:
    """The least effort with a recall of WANTED_RECALL, else the largest, and the recall with it.

    Measured on rows of the library itself and, where given, on texts (t, d), which lie elsewhere than media:
    the lower of both counts.
    """
    chosen = np.random.default_rng(SEED).permutation(len(rows))[:RECALL_QUERY_COUNT]
    groups = [np.asarray(rows[np.sort(chosen)], np.float32)]
    if text_queries is not None and len(text_queries):
        groups.append(text_queries)
    depth = min(RECALL_DEPTH, len(rows))
    exact = np.split(find_exact_neighbours(rows, np.concatenate(groups), depth), [len(groups[0])])
    recall = 0.0
    for effort in efforts:
        index.effort = effort
        recall = min(
            compute_index_recall(index.search(queries, depth)[0], nearest)
            for queries, nearest in zip(groups, exact, strict=False)
        )
        if recall >= WANTED_RECALL:
            break
    return index.effort, recall


def measure_recalls(library: Library) -> dict[str, float]:
    """Recall at RECALL_DEPTH of each index file that can be read, as it is searched, by "view.modality".

    Rows removed since the file was built count as they did then.
    """
    snapshot = load_snapshot(library)
    files = IndexFiles(library.folder, snapshot.generation, snapshot.index_records)
    text_queries = project_sentences(library) if snapshot.index_records else {}
    recalls = {}
    for name, record in snapshot.index_records.items():
        view, modality = name.rsplit(".", 1)
        stored = files.load(view, modality, snapshot.views[view].rows)
        if stored is not None:
            rows = RowSubset(snapshot.views[view].rows, stored.row_indices)
            recalls[name] = tune_effort(stored.index, rows, [record.effort], text_queries.get(view))[1]
    return recalls


def project_sentences(library: Library) -> Mapping[str, Rows]:
    """(t, d) everyday sentences by view, without those of which a view says nothing.

    None without an encoder of text, or where it is not installed.
    """
    pipeline = library.pipeline
    if not pipeline.has_role("text"):
        return {}
    try:
        projected = pipeline.project(pipeline.encode_text(BACKGROUND_SENTENCES))
    except MissingBackendError:
        return {}
    return {view: unit_rows(rows[~is_missing_row(rows)]) for view, rows in projected.items()}


def compute_index_recall(neighbours: Positions, exact_neighbours: Positions) -> float:
    """Share of the exact neighbours (q, k) that are among those found (q, k); -1 does not count."""
    hits = sum(
        len(np.intersect1d(found[found >= 0], exact[exact >= 0]))
        for found, exact in zip(neighbours, exact_neighbours, strict=True)
    )
    return hits / max(int((exact_neighbours >= 0).sum()), 1)

"""Integrity checks of a library: SQLite's own, consistency between tables, contents of the row files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from retrieval.storage.catalog import VectorFile
from retrieval.storage.item_columns import MODALITIES
from retrieval.storage.library import Library
from retrieval.storage.missing_files import MissingFiles, group_missing_by_folder, is_missing

CHUNK_ROWS = 4096  # rows checked at a time


def find_problems(library: Library) -> list[str]:
    """Descriptions of a library's problems, one line each; empty if there are none."""
    with library.catalog.read_transaction():
        problems = library.catalog.find_problems()
        vector_files = library.catalog.list_vector_files().values()
        vector_file_problems = [_check_vector_file(library, vector_file) for vector_file in vector_files]
        column_problems = _check_columns(library)
    return problems + column_problems + [problem for problem in vector_file_problems if problem]


def find_missing_files(library: Library) -> tuple[list[Path], list[MissingFiles]]:
    """Files of the library that are missing, in order of path, and the same grouped by folder."""
    records = library.catalog.load_files()
    missing_paths = sorted(path for path in records if is_missing(path))
    return missing_paths, group_missing_by_folder(records, missing_paths)


def _check_columns(library: Library) -> list[str]:
    """Where the columns say something else than the catalogue."""
    try:
        columns = library.vectors.open_columns()
    except AffectError as error:
        return [str(error)]
    item_count, segment_count = len(columns.ids), len(columns.item_by_segment)
    problems = []
    if (np.diff(columns.item_by_segment) < 0).any():
        problems.append("the column of segments' items does not ascend")
    if item_count and columns.modality_codes.max() >= len(MODALITIES):
        problems.append("the column of modalities has codes that stand for none")
    counts = np.bincount(np.clip(columns.item_by_segment, 0, item_count), minlength=item_count + 1)
    firsts = np.searchsorted(columns.item_by_segment, np.arange(item_count))
    wrong = sum(
        not 0 <= item < item_count
        or first + count > segment_count
        or columns.ids[item] != item_id.encode()
        or (firsts[item], counts[item]) != (first, count)
        for item_id, (item, first, count) in library.catalog.list_positions()
    )
    return [*problems, *([f"{wrong} items differ from their columns"] if wrong else [])]


def _check_vector_file(library: Library, vector_file: VectorFile) -> str | None:
    try:
        rows, segments = library.vectors.open(vector_file), library.vectors.open_segments(vector_file)
    except AffectError as error:
        return str(error)
    row_by_segment = np.bincount(segments[segments >= 0], minlength=1)
    if len(segments) and segments.max() >= library.catalog.get_extent().segments:
        return f"{vector_file.segments_path}: rows belong to no segment"
    if row_by_segment.max() > 1:
        return f"{vector_file.segments_path}: segments have more than one row"
    return (
        None
        if _are_finite(rows, np.flatnonzero(segments >= 0))
        else f"{vector_file.relative_path}: rows that are not finite numbers"
    )


def _are_finite(rows: npt.NDArray[np.float16], row_indices: npt.NDArray[np.int64]) -> bool:
    chunks = (
        rows[row_indices[start : start + CHUNK_ROWS]] for start in range(0, len(row_indices), CHUNK_ROWS)
    )
    return all(bool(np.isfinite(chunk).all()) for chunk in chunks)

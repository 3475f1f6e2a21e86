"""Integrity checks of a library: SQLite's own, consistency between tables, contents of the row files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from retrieval.storage.catalog import VectorFile
from retrieval.storage.library import Library
from retrieval.storage.missing_files import MissingFiles, group_missing_by_folder, is_missing

CHUNK_ROWS = 4096  # rows checked at a time


def find_problems(library: Library) -> list[str]:
    """Descriptions of a library's problems, one line each; empty if there are none."""
    with library.catalog.read_transaction():
        problems = library.catalog.find_problems()
        vector_files = library.catalog.list_vector_files().values()
        vector_file_problems = [_check_vector_file(library, vector_file) for vector_file in vector_files]
    return problems + [problem for problem in vector_file_problems if problem]


def find_missing_files(library: Library) -> tuple[list[Path], list[MissingFiles]]:
    """Files of the library that are missing, in order of path, and the same grouped by folder."""
    records = library.catalog.load_files()
    missing_paths = sorted(path for path in records if is_missing(path))
    return missing_paths, group_missing_by_folder(records, missing_paths)


def _check_vector_file(library: Library, vector_file: VectorFile) -> str | None:
    try:
        rows = library.vectors.open(vector_file)
    except AffectError as error:
        return str(error)
    mapped_rows = [row for row, _ in library.catalog.list_rows(vector_file.name)]
    row_indices = np.array([row for row in mapped_rows if 0 <= row < vector_file.count], np.int64)
    return (
        None
        if _are_finite(rows, row_indices)
        else f"{vector_file.relative_path}: rows that are not finite numbers"
    )


def _are_finite(rows: npt.NDArray[np.float16], row_indices: npt.NDArray[np.int64]) -> bool:
    chunks = (
        rows[row_indices[start : start + CHUNK_ROWS]] for start in range(0, len(row_indices), CHUNK_ROWS)
    )
    return all(bool(np.isfinite(chunk).all()) for chunk in chunks)

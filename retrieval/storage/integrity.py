"""Is a library whole: SQLite's own check, what must hold between tables, and the row files' contents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from retrieval.storage.catalog import VectorFile
from retrieval.storage.library import Library
from retrieval.storage.missing_files import MissingFiles, group_missing_by_folder, is_missing

CHUNK_ROWS = 4096  # rows looked at at a time


def find_problems(library: Library) -> list[str]:
    """What is wrong with a library, a line each; empty when all is well."""
    with library.catalog.read_transaction():
        problems = library.catalog.find_problems()
        vector_files = library.catalog.list_vector_files().values()
        in_files = [_check_vector_file(library, vector_file) for vector_file in vector_files]
    return problems + [problem for problem in in_files if problem]


def find_missing_files(library: Library) -> tuple[list[Path], list[MissingFiles]]:
    """Files of the library that are gone, in order of path, and the folders that lost them."""
    known = library.catalog.load_files()
    gone = sorted(path for path in known if is_missing(path))
    return gone, group_missing_by_folder(known, gone)


def _check_vector_file(library: Library, vector_file: VectorFile) -> str | None:
    try:
        rows = library.vectors.open(vector_file)
    except AffectError as short:
        return str(short)
    counted = [row for row, _ in library.catalog.list_rows(vector_file.name)]
    places = np.array([row for row in counted if 0 <= row < vector_file.count], np.int64)
    return (
        None
        if _are_finite(rows, places)
        else f"{vector_file.relative_path}: rows that are not finite numbers"
    )


def _are_finite(rows: npt.NDArray[np.float16], row_indices: npt.NDArray[np.int64]) -> bool:
    chunks = (rows[row_indices[at : at + CHUNK_ROWS]] for at in range(0, len(row_indices), CHUNK_ROWS))
    return all(bool(np.isfinite(chunk).all()) for chunk in chunks)

"""Is a library whole: SQLite's own check, what must hold between tables, and the row files' contents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError
from retrieval.storage.catalog import VectorFile
from retrieval.storage.library import Library
from retrieval.storage.missing_files import MissingFiles, group_missing_by_folder, is_missing

CHUNK_ROWS = 4096  # rows looked at at a time

CONSISTENCY_QUERIES = {
    "rows belong to no segment": """SELECT count(*) FROM rows LEFT JOIN segments ON segments.id = segment
        WHERE segments.id IS NULL""",
    "rows are counted on that no row file has": """SELECT count(*) FROM rows LEFT JOIN stores ON name = store
        WHERE row < 0 OR row >= coalesce(count, 0)""",
    "items have no segments": "SELECT count(*) FROM items WHERE id NOT IN (SELECT item FROM segments)",
    "items lack a segment": """SELECT count(*) FROM (SELECT 1 FROM segments GROUP BY item
        HAVING count(*) <> max(number) + 1 OR min(number) <> 0)""",
    "segments belong to no item": "SELECT count(*) FROM segments WHERE item NOT IN (SELECT id FROM items)",
    "files stand for no item": """SELECT count(*) FROM files
        WHERE item IS NOT NULL AND item NOT IN (SELECT id FROM items)""",
}


def find_problems(library: Library) -> list[str]:
    """What is wrong with a library, a line each; empty when all is well."""
    with library.catalog.read_transaction():
        found = library.catalog.check_integrity()
        for rule, sql in CONSISTENCY_QUERIES.items():
            if count := library.catalog.execute(sql)[0][0]:
                found.append(f"{count} {rule}")
        told = [_check_vector_file(library, store) for store in library.catalog.list_vector_files().values()]
    return found + [problem for problem in told if problem]


def find_missing_files(library: Library) -> tuple[list[Path], list[MissingFiles]]:
    """Files of the library that are gone, in order of path, and the folders that lost them."""
    known = library.catalog.load_files()
    gone = sorted(path for path in known if is_missing(path))
    return gone, group_missing_by_folder(known, gone)


def _check_vector_file(library: Library, vector_file: VectorFile) -> str | None:
    try:
        rows = library.open_vectors(vector_file)
    except AffectError as short:
        return str(short)
    counted = library.catalog.execute("SELECT row FROM rows WHERE store = ? ORDER BY row", vector_file.name)
    places = np.array([row for (row,) in counted if 0 <= row < vector_file.count], np.int64)
    return (
        None
        if _are_finite(rows, places)
        else f"{vector_file.relative_path}: rows that are not finite numbers"
    )


def _are_finite(rows: npt.NDArray[np.float16], row_indices: npt.NDArray[np.int64]) -> bool:
    chunks = (rows[row_indices[at : at + CHUNK_ROWS]] for at in range(0, len(row_indices), CHUNK_ROWS))
    return all(bool(np.isfinite(chunk).all()) for chunk in chunks)

"""Is a library whole: SQLite's own check, what must hold between tables, and the row files' contents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError
from retrieval.storage.catalog import Store
from retrieval.storage.library import Library
from retrieval.storage.missing_files import Loss, is_gone, lost_folders

CHUNK = 4096  # rows looked at at a time

RULES = {
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


def problems(library: Library) -> list[str]:
    """What is wrong with a library, a line each; empty when all is well."""
    with library.catalog.snapshot():
        found = library.catalog.problems()
        for rule, sql in RULES.items():
            if count := library.catalog.all(sql)[0][0]:
                found.append(f"{count} {rule}")
        told = [_store(library, store) for store in library.catalog.stores().values()]
    return found + [problem for problem in told if problem]


def missing_files(library: Library) -> tuple[list[Path], list[Loss]]:
    """Files of the library that are gone, in order of path, and the folders that lost them."""
    known = library.catalog.known()
    gone = sorted(path for path in known if is_gone(path))
    return gone, lost_folders(known, gone)


def _store(library: Library, store: Store) -> str | None:
    try:
        rows = library.mapped(store)
    except AffectError as short:
        return str(short)
    counted = library.catalog.all("SELECT row FROM rows WHERE store = ? ORDER BY row", store.name)
    places = np.array([row for (row,) in counted if 0 <= row < store.count], np.int64)
    return None if _finite(rows, places) else f"{store.file}: rows that are not finite numbers"


def _finite(rows: npt.NDArray[np.float16], places: npt.NDArray[np.int64]) -> bool:
    chunks = (rows[places[at : at + CHUNK]] for at in range(0, len(places), CHUNK))
    return all(bool(np.isfinite(chunk).all()) for chunk in chunks)

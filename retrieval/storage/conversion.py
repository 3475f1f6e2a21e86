"""Conversion of a library of an earlier format to this one, without reading media.

Formats 1 and 2 kept segments, and the segment of every row of every row file, as rows of SQLite's tables.
The row files stay as they are; columns are written beside them, and the tables change in one transaction.
Format 1 also lacks files.ctime_ns, files.missing and items.incomplete.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, to_printable
from retrieval.storage.catalog.database import validate_generation
from retrieval.storage.catalog.vectors import VectorFile
from retrieval.storage.index_records import INDEX_SETTINGS_KEY
from retrieval.storage.item_columns import POSITION_DTYPE, Extent, append_item_columns, make_item_columns
from retrieval.storage.locking import lock_folder, translate_disk_errors
from retrieval.storage.schema import SCHEMA_VERSION, connect, execute_script, translate_sqlite_errors
from retrieval.storage.vector_file import append_array

log = logging.getLogger(__name__)
EARLIER_VERSIONS = ("1", "2")
COLUMNS_OF_FORMAT_2 = """
ALTER TABLE files ADD COLUMN ctime_ns INTEGER;
ALTER TABLE files ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN incomplete TEXT;
"""
TABLES_OF_FORMAT_3 = """
ALTER TABLE items ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN first_segment INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN segment_count INTEGER NOT NULL DEFAULT 0;
CREATE INDEX items_by_position ON items(position);
CREATE INDEX files_by_mtime ON files(mtime_ns);
CREATE TABLE removed_items(position INTEGER PRIMARY KEY);
"""
FILL_TABLES = """
UPDATE items SET (position, first_segment, segment_count) =
    (SELECT position, first_segment, segment_count FROM converted WHERE converted.id = items.id);
INSERT INTO removed_items SELECT position FROM items
    WHERE id NOT IN (SELECT item FROM files WHERE item IS NOT NULL);
DROP TABLE converted;
DROP TABLE rows;
DROP TABLE segments;
"""


def convert_library(path: Path) -> None:
    """Convert a library, given its catalogue's path, if it is of an earlier format.

    Raises AffectError where its folder can't be written, another process is writing, or the disk is full; the
    library is then as it was.
    """
    with translate_sqlite_errors(path), contextlib.closing(connect(path)) as db:
        if not _is_earlier(db):
            return
    folder = path.parent
    if not os.access(folder, os.W_OK):
        raise AffectError(
            f"{to_printable(folder)}: made by an earlier version, and can't be converted, as it can't be "
            "written; copy it to where it can, or make it writable"
        )
    with (
        lock_folder(folder),
        translate_disk_errors(folder),
        translate_sqlite_errors(path),
        contextlib.closing(connect(path)) as db,
    ):
        if not _is_earlier(db):  # another process has just converted it
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            _convert(db, folder)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    log.warning("%s: converted to the format of this version; no media were read", to_printable(folder))


def _is_earlier(db: sqlite3.Connection) -> bool:
    row = db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    return row is not None and row[0] in EARLIER_VERSIONS


def _convert(db: sqlite3.Connection, folder: Path) -> None:
    """Write the columns and change the tables, inside a transaction."""
    meta = dict(db.execute("SELECT key, value FROM meta"))
    if meta["format"] == "1":
        execute_script(db, COLUMNS_OF_FORMAT_2)
    generation = validate_generation(meta.get("generation"))
    items = db.execute("SELECT id, modality FROM items ORDER BY added, id").fetchall()
    segments = db.execute('SELECT item, id, start, "end" FROM segments ORDER BY number').fetchall()
    by_item: dict[str, list[tuple[int, float | None, float | None]]] = {item_id: [] for item_id, _ in items}
    for item_id, *segment in segments:
        by_item[item_id].append((segment[0], segment[1], segment[2]))
    columns = make_item_columns(
        [item_id for item_id, _ in items],
        [modality for _, modality in items],
        [[(start, end) for _, start, end in by_item[item_id]] for item_id, _ in items],
    )
    extent = append_item_columns(folder / "rows" / generation, Extent(0, 0), columns)
    segment_ids = np.array([segment[0] for item_id, _ in items for segment in by_item[item_id]], np.int64)
    for name, dim, count in db.execute("SELECT name, dim, count FROM stores").fetchall():
        vector_file = VectorFile(name=name, dim=dim, count=count, generation=generation)
        pairs = db.execute("SELECT row, segment FROM rows WHERE store = ?", (name,)).fetchall()
        segment_by_row = _map_rows(np.array(pairs, np.int64).reshape(-1, 2), count, segment_ids)
        append_array(folder / vector_file.segments_path, 0, segment_by_row)
    if (
        json.loads(meta.get(INDEX_SETTINGS_KEY) or "{}").get("kind") == "exact"
    ):  # the default of those formats
        db.execute("DELETE FROM meta WHERE key = ?", (INDEX_SETTINGS_KEY,))
    counts = [len(by_item[item_id]) for item_id, _ in items]
    firsts = np.cumsum([0, *counts])[:-1].tolist()
    _change_tables(db, [(items[i][0], i, firsts[i], counts[i]) for i in range(len(items))], extent)


def _map_rows(
    pairs: npt.NDArray[np.int64], row_count: int, segment_ids: npt.NDArray[np.int64]
) -> npt.NDArray[np.int32]:
    """(row_count,) the position of each row's segment, -1 for rows of segments that were deleted.

    pairs: (n, 2) row and id of its segment
    segment_ids: (segments,) ids in the order of the columns
    """
    segment_by_row = np.full(row_count, -1, POSITION_DTYPE)
    valid = pairs[(pairs[:, 0] >= 0) & (pairs[:, 0] < row_count) & np.isin(pairs[:, 1], segment_ids)]
    order = np.argsort(segment_ids)
    segment_by_row[valid[:, 0]] = order[np.searchsorted(segment_ids, valid[:, 1], sorter=order)]
    return segment_by_row


def _change_tables(
    db: sqlite3.Connection, positions: list[tuple[str, int, int, int]], extent: Extent
) -> None:
    """positions: (id, position, first segment, number of segments) of every item."""
    execute_script(db, TABLES_OF_FORMAT_3)
    db.execute(
        "CREATE TEMP TABLE converted(id TEXT PRIMARY KEY, position INTEGER, first_segment INTEGER, "
        "segment_count INTEGER)"
    )
    db.executemany("INSERT INTO converted VALUES(?, ?, ?, ?)", positions)
    execute_script(db, FILL_TABLES)
    values = {
        "format": SCHEMA_VERSION,
        "item_count": str(extent.items),
        "segment_count": str(extent.segments),
    }
    db.executemany("INSERT OR REPLACE INTO meta VALUES(?, ?)", values.items())

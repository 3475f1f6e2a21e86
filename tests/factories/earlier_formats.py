"""Libraries as earlier versions made them: segments, and the segment of every row, in SQLite's tables."""

import sqlite3
from contextlib import closing

import numpy as np

from retrieval.storage.library import Library

TABLES_OF_FORMAT_2 = """
PRAGMA foreign_keys=OFF;
BEGIN;
CREATE TABLE old_items(id TEXT PRIMARY KEY, modality TEXT NOT NULL, duration REAL, width INTEGER,
                       height INTEGER, format TEXT, added REAL NOT NULL, incomplete TEXT);
INSERT INTO old_items SELECT id, modality, duration, width, height, format, added, incomplete FROM items;
DROP TABLE items;
ALTER TABLE old_items RENAME TO items;
DROP TABLE removed_items;
DROP INDEX files_by_mtime;
CREATE TABLE segments(id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL REFERENCES items(id),
                      number INTEGER NOT NULL, start REAL, "end" REAL);
CREATE INDEX segments_by_item ON segments(item);
CREATE TABLE rows(store TEXT NOT NULL, row INTEGER NOT NULL, segment INTEGER NOT NULL,
                  PRIMARY KEY(store, row)) WITHOUT ROWID;
CREATE INDEX rows_by_segment ON rows(segment);
DELETE FROM meta WHERE key IN ('item_count', 'segment_count');
UPDATE meta SET value = '2' WHERE key = 'format';
COMMIT;
"""
FIRST_ID = 7  # of a segment: ids are not positions


def to_second_format(lib):
    """The library as the version before made it."""
    with closing(Library.open(lib)) as library:
        columns, files = library.vectors.open_columns(), library.catalog.list_vector_files()
        kept = {item for item, _ in library.catalog.list_positions()}
        ids = columns.ids.astype(str).tolist()
        rows = {name: np.array(library.vectors.open_segments(file)) for name, file in files.items()}
        firsts = np.searchsorted(columns.item_by_segment, np.arange(len(ids)))
        segments = [
            (segment + FIRST_ID, ids[item], int(segment - firsts[item]),
             *(None if np.isnan(value) else float(value) for value in columns.spans[segment]))
            for segment, item in enumerate(columns.item_by_segment.tolist()) if ids[item] in kept
        ]  # fmt: skip
        folder = lib / "rows" / library.catalog.get_generation()
    known = {segment[0] for segment in segments}
    with closing(sqlite3.connect(lib / "catalog.sqlite")) as db:
        db.executescript(TABLES_OF_FORMAT_2)
        db.executemany("INSERT INTO segments VALUES(?, ?, ?, ?, ?)", segments)
        for name, of in rows.items():
            pairs = [(name, row, int(segment) + FIRST_ID) for row, segment in enumerate(of)]
            db.executemany("INSERT INTO rows VALUES(?, ?, ?)", [pair for pair in pairs if pair[2] in known])
        db.commit()
    for path in [*folder.glob("*.i4"), *folder.glob("*.s16"), *folder.glob("*.u1"), *folder.glob("*.f8")]:
        path.unlink()


def to_first_format(lib):
    """The library as the first version made it."""
    to_second_format(lib)
    with closing(sqlite3.connect(lib / "catalog.sqlite")) as db:
        for table, column in (("files", "ctime_ns"), ("files", "missing"), ("items", "incomplete")):
            db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute("DELETE FROM meta WHERE key = 'mounts'")
        db.execute("UPDATE meta SET value = '1' WHERE key = 'format'")
        db.commit()

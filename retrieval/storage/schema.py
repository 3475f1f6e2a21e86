"""The catalogue as a file: its tables, how it is made and opened, and what SQLite may say of it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from encoders import AffectError, to_printable
from retrieval.storage.locking import translate_disk_errors

SCHEMA_VERSION = "2"
FIRST_SCHEMA_VERSION = "1"  # had neither ctime_ns and missing of files nor incomplete of items
UNFINISHED_NAMES = tuple(f"catalog.new{ending}" for ending in ("", "-journal", "-wal", "-shm"))

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE items(id TEXT PRIMARY KEY, modality TEXT NOT NULL, duration REAL, width INTEGER, height INTEGER,
                   format TEXT, added REAL NOT NULL, incomplete TEXT);
CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
                   item TEXT REFERENCES items(id), error TEXT, ctime_ns INTEGER,
                   missing INTEGER NOT NULL DEFAULT 0);
CREATE INDEX files_by_item ON files(item);
CREATE TABLE segments(id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL REFERENCES items(id),
                      number INTEGER NOT NULL, start REAL, "end" REAL);
CREATE INDEX segments_by_item ON segments(item);
CREATE TABLE stores(name TEXT PRIMARY KEY, dim INTEGER NOT NULL, count INTEGER NOT NULL);
CREATE TABLE rows(store TEXT NOT NULL, row INTEGER NOT NULL, segment INTEGER NOT NULL,
                  PRIMARY KEY(store, row)) WITHOUT ROWID;
CREATE INDEX rows_by_segment ON rows(segment);
"""
# What lets a catalogue of the first format be read as it stands, and what makes it one of this format.
COMPATIBILITY_VIEWS = """
CREATE TEMP VIEW files AS SELECT path, size, mtime_ns, item, error, NULL AS ctime_ns, 0 AS missing
    FROM main.files;
CREATE TEMP VIEW items AS SELECT id, modality, duration, width, height, format, added, NULL AS incomplete
    FROM main.items;
"""
MIGRATION = """
DROP VIEW temp.files;
DROP VIEW temp.items;
ALTER TABLE main.files ADD COLUMN ctime_ns INTEGER;
ALTER TABLE main.files ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;
ALTER TABLE main.items ADD COLUMN incomplete TEXT;
"""


@contextlib.contextmanager
def translate_sqlite_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into one clear line each."""
    try:
        yield
    except sqlite3.DatabaseError as bad:
        raise AffectError(f"{to_printable(path)}: {_describe_error(bad)}") from bad


def _describe_error(error: sqlite3.DatabaseError) -> str:
    if not isinstance(error, sqlite3.OperationalError) or "no such table" in str(error):
        return (
            f"the catalogue is damaged ({error}); put a backup in its place, "
            "or delete the library's folder and index again"
        )
    if "full" in str(error) or "disk I/O" in str(error):
        return (
            f"no space left to write ({error}); what was committed is safe, "
            "make room and run the same command again"
        )
    return str(error)


def create_catalog(path: Path, meta: Mapping[str, str]) -> None:
    """A new catalogue that keeps `meta`. It takes its name when it is whole, so a kill leaves none.

    Raises AffectError when the disk is full.
    """
    for left_over in UNFINISHED_NAMES:
        path.with_name(left_over).unlink(missing_ok=True)
    part = path.with_name(UNFINISHED_NAMES[0])
    with translate_sqlite_errors(path), contextlib.closing(sqlite3.connect(part, isolation_level=None)) as db:
        db.execute("BEGIN")
        execute_script(db, SCHEMA)
        db.executemany("INSERT INTO meta VALUES(?, ?)", {"format": SCHEMA_VERSION, **meta}.items())
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode=WAL")  # kept in the file
    part.replace(path)


def execute_script(db: sqlite3.Connection, script: str) -> None:
    """Run statements one by one: sqlite3's own executescript would commit first."""
    for statement in filter(str.strip, script.split(";")):
        db.execute(statement)


def connect(path: Path) -> sqlite3.Connection:
    """Open a catalogue, to write if one may. Raises AffectError if there is none, or what SQLite raises."""
    with translate_disk_errors(path.parent):
        how = _select_open_mode(path) if path.exists() else None
    if how is None:
        raise AffectError(
            f"{to_printable(path.parent)}: no library here; make one with: affect index FOLDER --library LIB"
        )
    uri = f"{path.absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)


def _select_open_mode(path: Path) -> str:
    """How SQLite is to open the file: to write if one may.

    Reading needs SQLite's log and its index beside the file; where they are not and can't be made nobody
    is writing, and the file is read as it stands.
    """
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    log, log_index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    begun = log.exists() and (log_index.exists() or log.stat().st_size)
    return "mode=ro" if begun else "mode=ro&immutable=1"

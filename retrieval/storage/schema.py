"""The catalogue's SQLite file: schema, creation, opening and error messages."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from encoders import AffectError, to_printable
from retrieval.storage.locking import translate_disk_errors

SCHEMA_VERSION = "3"
UNFINISHED_NAMES = tuple(f"catalog.new{ending}" for ending in ("", "-journal", "-wal", "-shm"))

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE items(id TEXT PRIMARY KEY, position INTEGER NOT NULL, first_segment INTEGER NOT NULL,
                   segment_count INTEGER NOT NULL, modality TEXT NOT NULL, duration REAL, width INTEGER,
                   height INTEGER, format TEXT, added REAL NOT NULL, incomplete TEXT);
CREATE INDEX items_by_position ON items(position);
CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
                   item TEXT REFERENCES items(id), error TEXT, ctime_ns INTEGER,
                   missing INTEGER NOT NULL DEFAULT 0);
CREATE INDEX files_by_item ON files(item);
CREATE INDEX files_by_mtime ON files(mtime_ns);
CREATE TABLE removed_items(position INTEGER PRIMARY KEY);
CREATE TABLE stores(name TEXT PRIMARY KEY, dim INTEGER NOT NULL, count INTEGER NOT NULL);
"""


@contextlib.contextmanager
def translate_sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into AffectError messages of one line."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise AffectError(f"{to_printable(path)}: {_describe_error(error)}") from error


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
    """Create a catalogue with the values `meta`, atomically: it is written under another name and renamed.

    Raises AffectError when the disk is full.
    """
    for name in UNFINISHED_NAMES:
        path.with_name(name).unlink(missing_ok=True)
    draft = path.with_name(UNFINISHED_NAMES[0])
    with (
        translate_sqlite_errors(path),
        contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as db,
    ):
        db.execute("BEGIN")
        execute_script(db, SCHEMA)
        db.executemany("INSERT INTO meta VALUES(?, ?)", {"format": SCHEMA_VERSION, **meta}.items())
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode=WAL")  # persistent: stored in the file
    draft.replace(path)


def execute_script(db: sqlite3.Connection, script: str) -> None:
    """Run statements one by one, because sqlite3's executescript would commit first."""
    for statement in filter(str.strip, script.split(";")):
        db.execute(statement)


def connect(path: Path) -> sqlite3.Connection:
    """Open a catalogue, read-write if permitted. Raises AffectError if it is absent, or SQLite's errors."""
    with translate_disk_errors(path.parent):
        uri_parameters = select_open_mode(path) if path.exists() else None
    if uri_parameters is None:
        raise AffectError(
            f"{to_printable(path.parent)}: no library here; make one with: affect index FOLDER --library LIB"
        )
    uri = f"{path.absolute().as_uri()}?{uri_parameters}"
    return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)


def select_open_mode(path: Path) -> str:
    """SQLite's URI parameters to open the file: read-write if permitted, else read-only.

    Reading in WAL mode needs the log and its index beside the file. Where they are absent and can't be
    created, no process is writing, so the file is read as immutable.
    """
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    log, log_index = (path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))
    has_active_log = log.exists() and (log_index.exists() or log.stat().st_size)
    return "mode=ro" if has_active_log else "mode=ro&immutable=1"

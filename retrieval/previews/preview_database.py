"""The SQLite file of previews: schema, opening, and what its errors mean.

One file of blobs: thumbnails of some 10 kB are read faster from it than from files of their own (Hipp, "35%
Faster Than The Filesystem", sqlite.org, 2017), a million of them need no million of directory entries, and
a transaction is whole or absent after a crash. The write-ahead log lets a server read while an index run
writes. With synchronous=NORMAL a power failure may cost the last previews, which are made again, and never
the file; a killed process costs none.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from retrieval.storage import select_open_mode

PREVIEWS_NAME = "previews.sqlite"
FILE_ENDINGS = ("", "-wal", "-shm")
SCHEMA_VERSION = 1
BUSY_SECONDS = 30.0

# An item has a row once its previews were made, even where there is nothing to show.
SCHEMA = (
    "CREATE TABLE items(id TEXT PRIMARY KEY, duration REAL, peaks BLOB, faces BLOB)",
    "CREATE TABLE images(item TEXT NOT NULL, seconds REAL, jpeg BLOB NOT NULL)",
    "CREATE INDEX images_by_item ON images(item, seconds)",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class DamagedPreviewsError(Exception):
    """The file is no store of previews that this version can read."""


def connect_to_read(path: Path) -> sqlite3.Connection | None:
    """Open a store, for use by several threads, one at a time; None where it is absent or not made yet.

    Raises sqlite3.Error, or DamagedPreviewsError for one of another version.
    """
    if not path.exists():
        return None
    mode = select_open_mode(path).replace("mode=rw", "mode=ro")  # closing it must not touch the log
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        version = _read_version(connection)
    except BaseException:
        connection.close()
        raise
    if version == SCHEMA_VERSION:
        return connection
    connection.close()
    if version:
        raise DamagedPreviewsError(f"version {version}, not {SCHEMA_VERSION}")
    return None


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Open a store, or make one. Raises as `connect_to_read` does."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA secure_delete=ON")  # what is removed is not left in the file
        version = _read_version(connection)
        if not version:
            connection.execute("BEGIN IMMEDIATE")
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute("COMMIT")
        elif version != SCHEMA_VERSION:
            raise DamagedPreviewsError(f"version {version}, not {SCHEMA_VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def delete_files(path: Path) -> None:
    """Delete a store with its log. Raises OSError."""
    for ending in FILE_ENDINGS:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def is_damage(error: Exception) -> bool:
    """Whether an error is of the file's content, and not of the disk or of another process."""
    return isinstance(error, DamagedPreviewsError) or (
        isinstance(error, sqlite3.DatabaseError)
        and (not isinstance(error, sqlite3.OperationalError) or "no such" in str(error))
    )


def _read_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])

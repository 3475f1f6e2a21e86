"""Writing of previews; an error costs previews, and never the index run."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import TypeVar

from encoders import to_printable
from retrieval.previews.item_preview import ItemPreview, pack_faces
from retrieval.previews.preview_database import (
    PREVIEWS_NAME,
    DamagedPreviewsError,
    connect_to_write,
    delete_files,
    is_damage,
)

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class PreviewWriter:
    """Adds and removes previews of a library in a folder; the caller holds the library's write lock.

    A damaged store is replaced by an empty one, and written no more after any other error; there is a
    warning for either.
    """

    def __init__(self, library_folder: Path) -> None:
        self._path = library_folder / PREVIEWS_NAME
        self._connection: sqlite3.Connection | None = None
        self._is_failed = False

    def close(self) -> None:
        """Close the file, which then holds all that its log held."""
        self._write(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)"), must_exist=True)
        self._disconnect()

    def add(self, previews: Mapping[str, ItemPreview]) -> None:
        """Add previews by item, in place of those there were, in one transaction."""
        if previews:
            self._write(lambda connection: _insert(connection, previews))

    def keep_only(self, item_ids: Set[str]) -> Set[str]:
        """Remove the previews of all other items; those of these items that have none.

        Empty where the store can't be written, as none can be made then.
        """
        made_ids = self._write(lambda connection: _delete_others(connection, item_ids), must_exist=True)
        return set() if self._is_failed else item_ids - (made_ids or set())

    def compact(self) -> None:
        """Give the space of removed previews back to the disk; needs as much again meanwhile."""
        self._write(lambda connection: connection.execute("VACUUM"), must_exist=True)

    def _write(
        self, action: Callable[[sqlite3.Connection], Result], *, must_exist: bool = False
    ) -> Result | None:
        """The result of an action on the store, which is made unless it `must_exist`; None if not done."""
        if self._is_failed or (must_exist and self._connection is None and not self._path.exists()):
            return None
        try:
            try:
                return action(self._connect())
            except (sqlite3.Error, DamagedPreviewsError) as error:
                if not is_damage(error):
                    raise
                self._replace(error)
                return action(self._connect())
        except (sqlite3.Error, OSError) as error:
            self._is_failed = True
            self._disconnect()
            log.warning(
                "%s: previews are not written (%s); run affect index again for them",
                to_printable(self._path),
                error,
            )
            return None

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect_to_write(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _replace(self, error: Exception) -> None:
        """Put an empty store in place of a damaged one."""
        log.warning("%s: previews are made anew, they were damaged (%s)", to_printable(self._path), error)
        self._disconnect()
        delete_files(self._path)


def _insert(connection: sqlite3.Connection, previews: Mapping[str, ItemPreview]) -> None:
    with _Transaction(connection):
        connection.executemany("DELETE FROM images WHERE item = ?", ((item_id,) for item_id in previews))
        connection.executemany(
            "INSERT OR REPLACE INTO items VALUES(?, ?, ?, ?)",
            (
                (
                    item_id,
                    preview.duration,
                    None if preview.peaks is None else preview.peaks.tobytes(),
                    pack_faces(preview.faces),
                )
                for item_id, preview in previews.items()
            ),
        )
        connection.executemany(
            "INSERT INTO images VALUES(?, ?, ?)",
            ((item_id, *image) for item_id, preview in previews.items() for image in preview.images),
        )


def _delete_others(connection: sqlite3.Connection, item_ids: Set[str]) -> Set[str]:
    """Remove the previews of all other items; the items that had one, removed ones included."""
    made_ids = {row[0] for row in connection.execute("SELECT id FROM items")}
    if stale := [(item_id,) for item_id in made_ids - item_ids]:
        with _Transaction(connection):
            connection.executemany("DELETE FROM images WHERE item = ?", stale)
            connection.executemany("DELETE FROM items WHERE id = ?", stale)
    return made_ids


class _Transaction:
    """A write transaction, rolled back on any exception."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, error_type: object, *_: object) -> None:
        if self._connection.in_transaction:  # SQLite may have rolled back already, as on a full disk
            self._connection.execute("ROLLBACK" if error_type else "COMMIT")

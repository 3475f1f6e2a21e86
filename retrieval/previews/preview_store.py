"""Reading of previews, while an index run may write more."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from encoders import to_printable
from retrieval.previews.item_preview import FaceBox, unpack_faces
from retrieval.previews.preview_database import PREVIEWS_NAME, DamagedPreviewsError, connect_to_read
from retrieval.previews.waveform import Peaks

log = logging.getLogger(__name__)

_IMAGE_SQL = """SELECT jpeg FROM images WHERE rowid = (
    SELECT rowid FROM images WHERE item = ? {} LIMIT 1 {})"""
_MIDDLE_IMAGE_SQL = _IMAGE_SQL.format(
    "ORDER BY seconds", "OFFSET (SELECT count(*) / 2 FROM images WHERE item = ?)"
)
_NEAREST_IMAGE_SQL = _IMAGE_SQL.format(
    "AND coalesce(abs(seconds - ?) <= ?, TRUE) ORDER BY abs(seconds - ?), seconds", ""
)


class PreviewStore:
    """The previews of a library in a folder; empty where there are none, or they can't be read.

    Previews are derived data: nothing raises for an absent or a damaged store, of which one warning is
    logged. Safe for use by several threads.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened_file: tuple[int, int] | None = None
        self._has_warned = False

    @classmethod
    def open(cls, library_folder: Path) -> PreviewStore:
        """The previews of a library, which may come later."""
        return cls(library_folder / PREVIEWS_NAME)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            self._disconnect()

    def load_image(self, item_id: str, at: float | None, within: float = float("inf")) -> bytes | None:
        """JPEG of a photo, or of a film about `at` seconds (by default its middle); None where there is none.

        within: seconds from `at` beyond which an image is none of that moment
        """
        query = (
            (_MIDDLE_IMAGE_SQL, item_id, item_id)
            if at is None
            else (_NEAREST_IMAGE_SQL, item_id, at, within, at)
        )
        rows = self._query(*query)
        return rows[0][0] if rows else None

    def load_peaks(self, item_id: str) -> tuple[Peaks, float] | None:
        """Peaks (n,) of an item's sound relative to its loudest, and its seconds; None without any."""
        rows = self._query(
            "SELECT peaks, duration FROM items WHERE id = ? AND peaks IS NOT NULL AND duration > 0", item_id
        )
        return (np.frombuffer(rows[0][0], np.uint8), rows[0][1]) if rows else None

    def load_faces(self, item_id: str) -> list[FaceBox]:
        """Faces in the frames that were encoded; empty without any, or where they were not kept."""
        rows = self._query("SELECT faces FROM items WHERE id = ? AND faces IS NOT NULL", item_id)
        return unpack_faces(rows[0][0]) if rows else []

    def list_missing(self, item_ids: Iterable[str]) -> list[str]:
        """Those items whose previews were not made, in their order."""
        made = {row[0] for row in self._query("SELECT id FROM items")}
        return [item_id for item_id in item_ids if item_id not in made]

    def count(self) -> dict[str, int]:
        """Number of images, and of items with a waveform and with faces."""
        rows = self._query("SELECT (SELECT count(*) FROM images), count(peaks), count(faces) FROM items")
        return dict(zip(("images", "waveforms", "faces"), rows[0] if rows else (0, 0, 0), strict=True))

    def _query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query; none where the store is absent or can't be read."""
        with self._lock:
            try:
                connection = self._connect()
                return [] if connection is None else connection.execute(sql, values).fetchall()
            except (sqlite3.Error, DamagedPreviewsError, OSError) as error:
                self._disconnect()
                if not self._has_warned:
                    self._has_warned = True
                    log.warning(
                        "%s: previews can't be read (%s); affect index makes them again",
                        to_printable(self._path),
                        error,
                    )
                return []

    def _connect(self) -> sqlite3.Connection | None:
        """The connection to the file that is there now: another one may have taken its place."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._disconnect()
            return None
        file = status.st_dev, status.st_ino
        if self._connection is None or file != self._opened_file:
            self._disconnect()
            self._connection, self._opened_file = connect_to_read(self._path), file
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def measure_store_bytes(library_folder: Path) -> int:
    """Size of the file of previews; 0 without."""
    try:
        return (library_folder / PREVIEWS_NAME).stat().st_size
    except OSError:
        return 0

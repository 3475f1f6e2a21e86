"""The catalogue's tables of items and their segments."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from encoders.media import Probe
from retrieval.storage.catalog.database import Database
from retrieval.storage.catalog.files import BEST_PATH_SQL

Span = tuple[float | None, float | None]


@dataclass(frozen=True, kw_only=True)
class ItemRecord:
    """An item: metadata of its medium, number of segments, best path, and whether all its paths are missing.

    duration: in seconds; width, height in px; None where the modality has none
    incomplete: why not all of it could be decoded
    """

    id: str
    modality: str
    duration: float | None
    width: int | None
    height: int | None
    segments: int
    incomplete: str | None
    missing: bool
    path: str


class SegmentRecord(NamedTuple):
    """A segment of an item, from `start` to `end` in seconds, None without time."""

    id: int
    item_id: str
    start: float | None
    end: float | None


class ItemTable(Database):
    """Queries on items and segments."""

    def has_item(self, item_id: str) -> bool:
        """Whether an item is in the library."""
        return bool(self.execute("SELECT 1 FROM items WHERE id = ?", item_id))

    def add_item(
        self, item_id: str, probe: Probe, spans: Sequence[tuple[float | None, float | None]]
    ) -> list[int]:
        """Insert an item with its segments' (start, end) in seconds; returns the segments' ids."""
        self.execute(
            "INSERT INTO items(id, modality, duration, width, height, format, added, incomplete) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            item_id, probe.modality, probe.duration, probe.width, probe.height, probe.format, time.time(),
            probe.incomplete_reason,
        )  # fmt: skip
        with self.translate_errors():
            return [
                int(
                    self._connection.execute(
                        'INSERT INTO segments(item, number, start, "end") VALUES(?, ?, ?, ?)',
                        (item_id, number, start, end),
                    ).lastrowid
                    or 0
                )
                for number, (start, end) in enumerate(spans)
            ]

    def remove_orphans(self) -> None:
        """Delete items without a path. Their vectors stay in the row files, unmapped, until a rebuild."""
        orphans = "SELECT id FROM items WHERE id NOT IN (SELECT item FROM files WHERE item IS NOT NULL)"
        segments = f"SELECT id FROM segments WHERE item IN ({orphans})"
        self.execute(f"DELETE FROM rows WHERE segment IN ({segments})")
        self.execute(f"DELETE FROM segments WHERE item IN ({orphans})")
        self.execute(f"DELETE FROM items WHERE id IN ({orphans})")

    def list_items(self) -> list[ItemRecord]:
        """Every item that has a file, in order of path."""
        rows = self.execute(
            "SELECT items.id, modality, duration, width, height, "
            "(SELECT count(*) FROM segments WHERE item = items.id), incomplete, min(missing), "
            f"{BEST_PATH_SQL} AS place FROM items JOIN files ON item = items.id GROUP BY items.id "
            "ORDER BY place"
        )
        return [
            ItemRecord(
                id=item, modality=modality, duration=duration, width=width, height=height, segments=segments,
                incomplete=incomplete, missing=bool(missing), path=os.fsdecode(path),
            )
            for item, modality, duration, width, height, segments, incomplete, missing, path in rows
        ]  # fmt: skip

    def list_item_paths(self) -> list[tuple[str, str, str]]:
        """(id, modality, best path) of every item that has a file, in order of id."""
        rows = self.execute(
            f"SELECT items.id, modality, {BEST_PATH_SQL} FROM items JOIN files ON item = items.id "
            "GROUP BY items.id ORDER BY items.id"
        )
        return [(item, modality, os.fsdecode(path)) for item, modality, path in rows]

    def count_items_by_modality(self) -> dict[str, int]:
        """Number of items by modality, in order of name."""
        return dict(self.execute("SELECT modality, count(*) FROM items GROUP BY modality ORDER BY modality"))

    def count_incomplete_items(self) -> int:
        """Number of items that could only be decoded in part."""
        return int(self.execute("SELECT count(incomplete) FROM items")[0][0])

    def count_segments(self) -> int:
        """Number of segments of all items."""
        return int(self.execute("SELECT count(*) FROM segments")[0][0])

    def list_segments(self) -> list[SegmentRecord]:
        """Every segment of items that have a file, in order of item and time."""
        rows = self.execute(
            'SELECT id, item, start, "end" FROM segments WHERE item IN (SELECT item FROM files) '
            "ORDER BY item, number"
        )
        return list(map(SegmentRecord._make, rows))

    def list_item_segments(self, item_id: str) -> list[SegmentRecord]:
        """The segments of an item, in order of time."""
        rows = self.execute(
            'SELECT id, item, start, "end" FROM segments WHERE item = ? ORDER BY number', item_id
        )
        return list(map(SegmentRecord._make, rows))

    def list_segment_ids(self) -> list[int]:
        """Ids of all segments, in order of item and time."""
        return [row[0] for row in self.execute("SELECT id FROM segments ORDER BY item, number")]

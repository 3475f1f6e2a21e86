"""The catalogue's tables of items, and of the positions of those that were removed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from encoders.media import Probe
from retrieval.storage.catalog.files import BEST_PATH_SQL, FileTable
from retrieval.storage.file_stamps import to_stored_nanoseconds
from retrieval.storage.item_columns import Extent

_EXTENT_KEYS = ("item_count", "segment_count")  # of the table meta
_MAX_VARIABLES = 500  # of one statement


_RECORDS_SQL = (
    "SELECT items.id, modality, duration, width, height, segment_count, incomplete, min(missing), "
    f"{BEST_PATH_SQL} AS place FROM items JOIN files ON item = items.id {{}} GROUP BY items.id ORDER BY place"
)
_LISTED_ITEMS_SQL = (
    "SELECT id, modality, duration, place, (SELECT mtime_ns FROM files WHERE path = place), position "
    f"FROM items JOIN (SELECT item, {BEST_PATH_SQL} AS place FROM files GROUP BY item) ON item = id "
    "ORDER BY place"
)


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


class ItemPosition(NamedTuple):
    """Where an item is in the columns: its position, that of its first segment, and how many it has."""

    item: int
    first_segment: int
    segment_count: int


class ListedItem(NamedTuple):
    """What lists show of an item that has a file: the best path, and when the file there was changed.

    duration: in seconds; None without time
    position: in the columns; None where there are none
    """

    id: str
    modality: str
    duration: float | None
    path: str
    mtime_ns: int
    position: int | None


class ItemTable(FileTable):
    """Queries on items."""

    def get_extent(self) -> Extent:
        """How many items and segments the columns have."""
        items, segments = (int(self.get_meta(key) or 0) for key in _EXTENT_KEYS)
        return Extent(items, segments)

    def set_extent(self, extent: Extent) -> None:
        """Store how many items and segments the columns have."""
        for key, count in zip(_EXTENT_KEYS, extent, strict=True):
            self.set_meta(key, str(count))

    def has_item(self, item_id: str) -> bool:
        """Whether an item is in the library."""
        return bool(self.execute("SELECT 1 FROM items WHERE id = ?", item_id))

    def load_item_ids(self) -> set[str]:
        """Ids of all items."""
        return {row[0] for row in self.execute("SELECT id FROM items")}

    def add_item(self, item_id: str, probe: Probe, position: ItemPosition) -> None:
        """Insert an item; its columns are written beside."""
        self.execute(
            "INSERT INTO items(id, position, first_segment, segment_count, modality, duration, width, "
            "height, format, added, incomplete) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            item_id, *position, probe.modality, probe.duration, probe.width, probe.height, probe.format,
            time.time(), probe.incomplete_reason,
        )  # fmt: skip

    def find_position(self, item_id: str) -> ItemPosition | None:
        """Where an item is in the columns; None if it is not in the library."""
        rows = self.execute("SELECT position, first_segment, segment_count FROM items WHERE id = ?", item_id)
        return ItemPosition(*rows[0]) if rows else None

    def find_positions_by_prefix(self, id_prefix: str) -> list[tuple[str, int]]:
        """(id, position) of at most two items with a file whose id begins so, in order of id."""
        if not id_prefix.isascii():
            return []
        return self.execute(
            "SELECT id, position FROM items WHERE id >= ? AND id < ? AND position NOT IN "
            "(SELECT position FROM removed_items) ORDER BY id LIMIT 2",
            id_prefix,
            id_prefix + "\x7f",
        )

    def find_item_positions(
        self, folder: Path | None, since: datetime | None, until: datetime | None
    ) -> list[int]:
        """Positions of items that have a file at or below a folder that was changed since and before."""
        conditions, values = ["item IS NOT NULL"], list[Any]()
        if folder is not None:
            below = os.fsencode(folder).rstrip(b"/") + b"/"
            conditions.append("(path = ? OR path >= ? AND path < ?)")
            values += [os.fsencode(folder), below, below[:-1] + b"0"]  # 0 comes after the slash
        for comparison, moment in (("mtime_ns >= ?", since), ("mtime_ns < ?", until)):
            if moment is not None:
                conditions.append(comparison)
                values.append(to_stored_nanoseconds(moment))
        rows = self.execute(
            f"SELECT position FROM files JOIN items ON items.id = item WHERE {' AND '.join(conditions)}",
            *values,
        )
        return [row[0] for row in rows]

    def list_positions(self) -> list[tuple[str, ItemPosition]]:
        """(id, position) of every item, in order of position."""
        rows = self.execute("SELECT id, position, first_segment, segment_count FROM items ORDER BY position")
        return [(item_id, ItemPosition(*position)) for item_id, *position in rows]

    def move_items(self, positions: Iterable[tuple[str, ItemPosition]]) -> None:
        """Set the positions of items by id; no item is marked as removed any more."""
        self.execute("DELETE FROM removed_items")
        self.execute_many(
            "UPDATE items SET position = ?, first_segment = ?, segment_count = ? WHERE id = ?",
            ((*position, item_id) for item_id, position in positions),
        )

    def list_removed_positions(self) -> list[int]:
        """Positions of items that were removed, or have no file, ascending."""
        return [row[0] for row in self.execute("SELECT position FROM removed_items ORDER BY position")]

    def remove_orphans(self) -> None:
        """Delete items without a path. Columns and row files keep their rows until a rebuild."""
        self.execute("DELETE FROM items WHERE position IN (SELECT position FROM removed_items)")

    def list_items(self) -> list[ItemRecord]:
        """Every item that has a file, in order of path."""
        return [_make_record(*row) for row in self.execute(_RECORDS_SQL.format(""))]

    def find_item(self, item_id: str) -> ItemRecord | None:
        """An item by its id; None if it is not in the library, or has no file."""
        rows = self.execute(_RECORDS_SQL.format("WHERE items.id = ?"), item_id)
        return _make_record(*rows[0]) if rows else None

    def iterate_listed_items(self) -> Iterator[ListedItem]:
        """Every item that has a file, in order of path."""
        for item_id, modality, duration, path, mtime_ns, position in self.iterate(_LISTED_ITEMS_SQL):
            yield ListedItem(item_id, modality, duration, os.fsdecode(path), mtime_ns, position)

    def find_best_paths(self, item_ids: Sequence[str]) -> dict[str, str]:
        """The best path of items by id; those without a file are left out."""
        paths: dict[str, str] = {}
        for start in range(0, len(item_ids), _MAX_VARIABLES):
            chunk = item_ids[start : start + _MAX_VARIABLES]
            marks = ",".join("?" * len(chunk))
            rows = self.execute(
                f"SELECT item, {BEST_PATH_SQL} FROM files WHERE item IN ({marks}) GROUP BY item", *chunk
            )
            paths |= {item: os.fsdecode(path) for item, path in rows}
        return paths

    def count_items_by_modality(self) -> dict[str, int]:
        """Number of items by modality, in order of name."""
        return dict(self.execute("SELECT modality, count(*) FROM items GROUP BY modality ORDER BY modality"))

    def count_incomplete_items(self) -> int:
        """Number of items that could only be decoded in part."""
        return int(self.execute("SELECT count(incomplete) FROM items")[0][0])

    def count_segments(self) -> int:
        """Number of segments of all items."""
        return int(self.execute("SELECT coalesce(sum(segment_count), 0) FROM items")[0][0])


def _make_record(
    item_id: str, modality: str, duration: float | None, width: int | None, height: int | None,
    segments: int, incomplete: str | None, missing: int, path: bytes,
) -> ItemRecord:  # fmt: skip
    """From a row of _RECORDS_SQL."""
    return ItemRecord(
        id=item_id, modality=modality, duration=duration, width=width, height=height, segments=segments,
        incomplete=incomplete, missing=bool(missing), path=os.fsdecode(path),
    )  # fmt: skip

"""The catalogue's table of files: paths of items, and unreadable or missing files."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from retrieval.storage.catalog.database import Database
from retrieval.storage.file_stamps import FileRecord, FileStamp
from retrieval.storage.folder_settings import FolderSettings

# SQL aggregate over the paths of an item: the first one that is not missing, else the first.
BEST_PATH_SQL = "coalesce(min(CASE missing WHEN 0 THEN path END), min(path))"
_MARK_REMOVED_SQL = (
    "INSERT OR IGNORE INTO removed_items SELECT position FROM items WHERE id = ? "
    "AND NOT EXISTS (SELECT 1 FROM files WHERE item = items.id)",
    "DELETE FROM removed_items WHERE position = (SELECT position FROM items WHERE id = ? "
    "AND EXISTS (SELECT 1 FROM files WHERE item = items.id))",
)
_RECORD_COLUMNS = "size, mtime_ns, ctime_ns, item, error"


def _make_record(
    size: int, mtime_ns: int, ctime_ns: int | None, item: str | None, error: str | None
) -> FileRecord:
    """From a row of _RECORD_COLUMNS."""
    return FileRecord(
        stamp=FileStamp(size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns), item_id=item, error=error
    )


class FileTable(Database, FolderSettings):
    """Queries on files."""

    def load_files(self) -> dict[Path, FileRecord]:
        """Records of all files, by path."""
        rows = self.execute(f"SELECT path, {_RECORD_COLUMNS} FROM files")
        return {Path(os.fsdecode(path)): _make_record(*record) for path, *record in rows}

    def find_file(self, path: Path) -> FileRecord | None:
        """The record of a path; None where it is not in the library."""
        rows = self.execute(f"SELECT {_RECORD_COLUMNS} FROM files WHERE path = ?", os.fsencode(path))
        return _make_record(*rows[0]) if rows else None

    def record_file(
        self, path: Path, stamp: FileStamp, *, item_id: str | None = None, error: str | None = None
    ) -> None:
        """Insert or replace a file with its item, or with the reason why it could not be read."""
        items = {*self._list_items_at([path]), *([] if item_id is None else [item_id])}
        self.execute(
            "INSERT OR REPLACE INTO files(path, size, mtime_ns, ctime_ns, item, error) "
            "VALUES(?, ?, ?, ?, ?, ?)",
            os.fsencode(path), stamp.size, stamp.mtime_ns, stamp.ctime_ns, item_id, error,
        )  # fmt: skip
        self._mark_removed_items(items)

    def remove_paths(self, paths: Iterable[Path]) -> None:
        """Delete paths. Items that have none left count as removed; they stay until `remove_orphans`."""
        removed_paths = list(paths)
        items = self._list_items_at(removed_paths)
        self.execute_many(
            "DELETE FROM files WHERE path = ?", ((os.fsencode(path),) for path in removed_paths)
        )
        self._mark_removed_items(items)

    def _list_items_at(self, paths: Iterable[Path]) -> set[str]:
        """The items that have one of these paths."""
        sql = "SELECT item FROM files WHERE path = ? AND item IS NOT NULL"
        return {row[0] for path in paths for row in self.execute(sql, os.fsencode(path))}

    def _mark_removed_items(self, item_ids: Collection[str]) -> None:
        """Mark those of the items that have no file as removed, and no other."""
        values = [(item_id,) for item_id in item_ids]
        for sql in _MARK_REMOVED_SQL:
            self.execute_many(sql, values)

    def list_paths(self, item_id: str) -> list[Path]:
        """Every path of an item."""
        return [
            Path(os.fsdecode(row[0]))
            for row in self.execute("SELECT path FROM files WHERE item = ?", item_id)
        ]

    def list_unreadable(self) -> list[tuple[str, str]]:
        """(path, reason) of files that could not be read."""
        rows = self.execute("SELECT path, error FROM files WHERE error IS NOT NULL ORDER BY path")
        return [(os.fsdecode(path), error) for path, error in rows]

    def list_copies(self) -> dict[str, list[Path]]:
        """The paths of each item that has more than one."""
        paths_by_item: dict[str, list[Path]] = {}
        for item, path in self.execute(
            "SELECT item, path FROM files WHERE item IN "
            "(SELECT item FROM files GROUP BY item HAVING count(*) > 1)"
        ):
            paths_by_item.setdefault(item, []).append(Path(os.fsdecode(path)))
        return paths_by_item

    def list_missing_paths(self) -> set[Path]:
        """Paths that were missing at the last check."""
        return {Path(os.fsdecode(row[0])) for row in self.execute("SELECT path FROM files WHERE missing")}

    def mark_missing(self, paths: Iterable[Path], *, is_missing: bool) -> None:
        """Record whether a file is at these paths."""
        self.execute_many(
            "UPDATE files SET missing = ? WHERE path = ?",
            ((int(is_missing), os.fsencode(path)) for path in paths),
        )

    def add_ctimes(self, stamps: Mapping[Path, FileStamp]) -> None:
        """Set the ctimes of files, which schema version 1 did not store."""
        self.execute_many(
            "UPDATE files SET ctime_ns = ? WHERE path = ?",
            ((stamp.ctime_ns, os.fsencode(path)) for path, stamp in stamps.items()),
        )

    def count_files_and_items(self) -> tuple[int, int]:
        """Number of readable files, and of distinct items among them."""
        files, items = self.execute("SELECT count(item), count(DISTINCT item) FROM files")[0]
        return int(files), int(items)

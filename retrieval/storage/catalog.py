"""The catalogue: what is in a library, in SQLite. Row files hold the numbers; this says which count."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders.base import AffectError, to_printable
from encoders.media import Probe
from retrieval.storage.file_stamps import FileRecord, FileStamp
from retrieval.storage.schema import (
    COMPATIBILITY_VIEWS,
    FIRST_SCHEMA_VERSION,
    MIGRATION,
    SCHEMA_VERSION,
    connect,
    execute_script,
    translate_sqlite_errors,
)

_VECTOR_FILE_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?")


@dataclass(frozen=True, kw_only=True)
class VectorFile:
    """One row file: its name ("object.words"), row length, committed rows and the generation it is of.

    Raises AffectError for what can't be part of a file's name: a library may come from a stranger.
    """

    name: str
    dim: int
    count: int
    generation: str

    def __post_init__(self) -> None:
        if not _VECTOR_FILE_NAME.fullmatch(str(self.name)):
            raise AffectError(f"the catalogue names a row file {self.name!r}, which no library has")

    @property
    def is_projection(self) -> bool:
        """Whether its rows are computed ("object.words") from the raw rows of roles."""
        return "." in self.name

    @property
    def relative_path(self) -> str:
        """Its place in the library's folder."""
        return f"rows/{self.generation}/{self.name}.f16"


def _validate_generation(generation: str | None) -> str:
    """A generation, which is part of names of files. Raises AffectError if it is no number."""
    if generation is None or not re.fullmatch("[0-9]+", str(generation)):
        raise AffectError(f"the catalogue is damaged: {generation!r} is no generation of files")
    return generation


class Catalog:
    """A connection to catalog.sqlite. Raises AffectError when it is missing, damaged or of another format."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.translate_errors():
            self._connection = connect(path)
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA foreign_keys=ON")
            found = self.get_meta("format")
            if found not in (FIRST_SCHEMA_VERSION, SCHEMA_VERSION):
                raise AffectError(
                    f"{to_printable(path)}: format {found}, this version reads up to {SCHEMA_VERSION}; "
                    "index into a new one"
                )
            if found == FIRST_SCHEMA_VERSION:
                execute_script(self._connection, COMPATIBILITY_VIEWS)

    def upgrade(self) -> None:
        """Make a catalogue of the first format one of this format; the caller may write."""
        if self.get_meta("format") == FIRST_SCHEMA_VERSION:
            with self.transaction():
                execute_script(self._connection, MIGRATION)
                self.set_meta("format", SCHEMA_VERSION)

    def translate_errors(self) -> contextlib.AbstractContextManager[None]:
        """Turns SQLite's errors into one clear line each."""
        return translate_sqlite_errors(self.path)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on the disk when it returns."""
        with self.translate_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if (
                    self._connection.in_transaction
                ):  # SQLite may have rolled back by itself, on a full disk for one
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def read_transaction(self) -> Iterator[None]:
        """Several reads of one state, whatever a writer does meanwhile."""
        with self.translate_errors():
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def execute_many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """One statement for each row of values."""
        with self.translate_errors():
            self._connection.executemany(sql, values)

    def execute(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        with self.translate_errors():
            return self._connection.execute(sql, values).fetchall()

    def get_version(self) -> tuple[int, int]:
        """Changes whenever this or another connection has written."""
        return int(self.execute("PRAGMA data_version")[0][0]), self._connection.total_changes

    # -- meta ---------------------------------------------------------------------------------------------

    def get_meta(self, key: str) -> str | None:
        """A kept value."""
        found = self.execute("SELECT value FROM meta WHERE key = ?", key)
        return found[0][0] if found else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value."""
        self.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", key, value)

    def get_generation(self) -> str:
        """Names the files that belong together."""
        return _validate_generation(self.get_meta("generation"))

    # -- files --------------------------------------------------------------------------------------------

    def load_files(self) -> dict[Path, FileRecord]:
        """Every remembered path."""
        rows = self.execute("SELECT path, size, mtime_ns, ctime_ns, item, error FROM files")
        return {
            Path(os.fsdecode(path)): FileRecord(
                stamp=FileStamp(size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns), item_id=item, error=error
            )
            for path, size, mtime_ns, ctime_ns, item, error in rows
        }

    def record_file(
        self, path: Path, stamp: FileStamp, *, item_id: str | None = None, error: str | None = None
    ) -> None:
        """Note where an item stands, or why a file could not be read."""
        self.execute(
            "INSERT OR REPLACE INTO files(path, size, mtime_ns, ctime_ns, item, error) "
            "VALUES(?, ?, ?, ?, ?, ?)",
            os.fsencode(path), stamp.size, stamp.mtime_ns, stamp.ctime_ns, item_id, error,
        )  # fmt: skip

    def remove_paths(self, paths: Iterable[Path]) -> None:
        """Drop paths. Items that have none left stay until `drop_orphans`."""
        self.execute_many("DELETE FROM files WHERE path = ?", ((os.fsencode(path),) for path in paths))

    def remove_paths_and_orphans(self, paths: Iterable[Path]) -> None:
        """Drop paths; items that have none left go with them."""
        self.remove_paths(paths)
        self.remove_orphans()

    def list_paths(self, item_id: str) -> list[Path]:
        """Every path of an item."""
        return [
            Path(os.fsdecode(row[0]))
            for row in self.execute("SELECT path FROM files WHERE item = ?", item_id)
        ]

    def remove_orphans(self) -> None:
        """Drop items that stand nowhere. Their rows stay in the files, mapped to nothing, until a rebuild."""
        orphans = "SELECT id FROM items WHERE id NOT IN (SELECT item FROM files WHERE item IS NOT NULL)"
        segments = f"SELECT id FROM segments WHERE item IN ({orphans})"
        self.execute(f"DELETE FROM rows WHERE segment IN ({segments})")
        self.execute(f"DELETE FROM segments WHERE item IN ({orphans})")
        self.execute(f"DELETE FROM items WHERE id IN ({orphans})")

    def list_unreadable(self) -> list[tuple[str, str]]:
        """(path, reason) of files that could not be read."""
        rows = self.execute("SELECT path, error FROM files WHERE error IS NOT NULL ORDER BY path")
        return [(os.fsdecode(path), error) for path, error in rows]

    # -- items --------------------------------------------------------------------------------------------

    def has_item(self, item_id: str) -> bool:
        """Whether an item is in the library."""
        return bool(self.execute("SELECT 1 FROM items WHERE id = ?", item_id))

    def add_item(
        self, item_id: str, probe: Probe, spans: Sequence[tuple[float | None, float | None]]
    ) -> list[int]:
        """A new item with its segments' (start, end); returns the segments' ids."""
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

    # -- stores -------------------------------------------------------------------------------------------

    def list_vector_files(self) -> dict[str, VectorFile]:
        """Every row file by name."""
        rows = self.execute(
            "SELECT name, dim, count, (SELECT value FROM meta WHERE key = 'generation') "
            "FROM stores ORDER BY name"
        )
        return {
            name: VectorFile(name=name, dim=dim, count=count, generation=_validate_generation(generation))
            for name, dim, count, generation in rows
        }

    def record_vector_file(self, vector_file: VectorFile) -> None:
        """Note a row file's committed state."""
        self.execute(
            "INSERT OR REPLACE INTO stores VALUES(?, ?, ?)",
            vector_file.name,
            vector_file.dim,
            vector_file.count,
        )

    def map_rows_to_segments(self, pairs: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        """Note, per store, (row, segment) pairs."""
        for store, mapped in pairs.items():
            self.execute_many("INSERT INTO rows VALUES(?, ?, ?)", ((store, r, s) for r, s in mapped))

    def check_integrity(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when all is well."""
        return [row[0] for row in self.execute("PRAGMA integrity_check") if row[0] != "ok"]

"""The catalogue: what is in a library, in SQLite. Row files hold the numbers; this says which count."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders.base import AffectError, printable
from encoders.media import Probe

FORMAT = "1"

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE items(id TEXT PRIMARY KEY, modality TEXT NOT NULL, duration REAL, width INTEGER, height INTEGER,
                   format TEXT, added REAL NOT NULL);
CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
                   item TEXT REFERENCES items(id), error TEXT);
CREATE INDEX files_by_item ON files(item);
CREATE TABLE segments(id INTEGER PRIMARY KEY AUTOINCREMENT, item TEXT NOT NULL REFERENCES items(id),
                      number INTEGER NOT NULL, start REAL, "end" REAL);
CREATE INDEX segments_by_item ON segments(item);
CREATE TABLE stores(name TEXT PRIMARY KEY, dim INTEGER NOT NULL, count INTEGER NOT NULL, file TEXT NOT NULL);
CREATE TABLE rows(store TEXT NOT NULL, row INTEGER NOT NULL, segment INTEGER NOT NULL,
                  PRIMARY KEY(store, row)) WITHOUT ROWID;
CREATE INDEX rows_by_segment ON rows(segment);
"""


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What tells a changed file from an unchanged one without reading it."""

    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp:
        """From one stat. Raises OSError."""
        stat = path.stat()
        return cls(size=stat.st_size, mtime_ns=stat.st_mtime_ns)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the catalogue remembers of a path."""

    stamp: Stamp
    item: str | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Store:
    """One row file: its name ("object.words"), row length, committed rows and file name."""

    name: str
    dim: int
    count: int
    file: str


@contextlib.contextmanager
def _spoken(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as bad:
        raise AffectError(f"{printable(file)}: {_told(bad)}") from bad


def _told(bad: sqlite3.DatabaseError) -> str:
    if not isinstance(bad, sqlite3.OperationalError) or "no such table" in str(bad):
        return (
            f"the catalogue is damaged ({bad}); put a backup in its place, "
            "or delete the library's folder and index again"
        )
    if "full" in str(bad) or "disk I/O" in str(bad):
        return (
            f"no space left to write ({bad}); what was committed is safe, "
            "make room and run the same command again"
        )
    return str(bad)


def create(file: Path, meta: Mapping[str, str]) -> None:
    """A new catalogue that keeps `meta`. It takes its name when it is whole, so a kill leaves none.

    Raises AffectError when the disk is full.
    """
    part = file.with_name("catalog.new")
    for left_over in (part, part.with_name("catalog.new-journal")):
        left_over.unlink(missing_ok=True)
    with _spoken(file), contextlib.closing(sqlite3.connect(part, isolation_level=None)) as db:
        db.execute("BEGIN")
        for statement in filter(str.strip, SCHEMA.split(";")):
            db.execute(statement)
        db.executemany("INSERT INTO meta VALUES(?, ?)", {"format": FORMAT, **meta}.items())
        db.execute("COMMIT")
    part.replace(file)


class Catalog:
    """A connection to catalog.sqlite. Raises AffectError when it is missing, damaged or of another format."""

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.exists():
            raise AffectError(
                f"{printable(file.parent)}: no library here; make one with: affect index FOLDER --library LIB"
            )
        with self.errors():
            self._db = sqlite3.connect(file, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA foreign_keys=ON")
            if (found := self.get("format")) != FORMAT:
                raise AffectError(
                    f"{printable(file)}: format {found}, this version reads {FORMAT}; index into a new one"
                )

    def errors(self) -> contextlib.AbstractContextManager[None]:
        """Turns SQLite's errors into one clear line each."""
        return _spoken(self.file)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on the disk when it returns."""
        with self.errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite may have rolled back by itself, on a full disk for one
                    self._db.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads of one state, whatever a writer does meanwhile."""
        with self.errors():
            self._db.execute("BEGIN")
            try:
                yield
            finally:
                if self._db.in_transaction:
                    self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Every row of a query."""
        with self.errors():
            return self._db.execute(sql, values).fetchall()

    def version(self) -> tuple[int, int]:
        """Changes whenever this or another connection has written."""
        return int(self.all("PRAGMA data_version")[0][0]), self._db.total_changes

    # -- meta ---------------------------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        """A kept value."""
        found = self.all("SELECT value FROM meta WHERE key = ?", key)
        return found[0][0] if found else None

    def set(self, key: str, value: str) -> None:
        """Keep a value."""
        self.all("INSERT OR REPLACE INTO meta VALUES(?, ?)", key, value)

    # -- files --------------------------------------------------------------------------------------------

    def known(self) -> dict[Path, Known]:
        """Every remembered path."""
        rows = self.all("SELECT path, size, mtime_ns, item, error FROM files")
        return {
            Path(os.fsdecode(path)): Known(stamp=Stamp(size=size, mtime_ns=mtime_ns), item=item, error=error)
            for path, size, mtime_ns, item, error in rows
        }

    def remember(
        self, path: Path, stamp: Stamp, *, item: str | None = None, error: str | None = None
    ) -> None:
        """Note where an item stands, or why a file could not be read."""
        self.all(
            "INSERT OR REPLACE INTO files VALUES(?, ?, ?, ?, ?)",
            os.fsencode(path), stamp.size, stamp.mtime_ns, item, error,
        )  # fmt: skip

    def forget(self, paths: Iterable[Path]) -> None:
        """Drop paths; items that have none left go with them."""
        with self.errors():
            self._db.executemany("DELETE FROM files WHERE path = ?", [(os.fsencode(p),) for p in paths])
        self.drop_orphans()

    def drop_orphans(self) -> None:
        """Drop items that stand nowhere. Their rows stay in the files, mapped to nothing, until a rebuild."""
        orphans = "SELECT id FROM items WHERE id NOT IN (SELECT item FROM files WHERE item IS NOT NULL)"
        segments = f"SELECT id FROM segments WHERE item IN ({orphans})"
        self.all(f"DELETE FROM rows WHERE segment IN ({segments})")
        self.all(f"DELETE FROM segments WHERE item IN ({orphans})")
        self.all(f"DELETE FROM items WHERE id IN ({orphans})")

    def errors_kept(self) -> list[tuple[str, str]]:
        """(path, reason) of files that could not be read."""
        rows = self.all("SELECT path, error FROM files WHERE error IS NOT NULL ORDER BY path")
        return [(printable(os.fsdecode(path)), error) for path, error in rows]

    # -- items --------------------------------------------------------------------------------------------

    def has(self, item: str) -> bool:
        """Whether an item is in the library."""
        return bool(self.all("SELECT 1 FROM items WHERE id = ?", item))

    def add_item(
        self, item: str, probe: Probe, spans: Sequence[tuple[float | None, float | None]]
    ) -> list[int]:
        """A new item with its segments' (start, end); returns the segments' ids."""
        self.all(
            "INSERT INTO items VALUES(?, ?, ?, ?, ?, ?, ?)",
            item, probe.modality, probe.duration, probe.width, probe.height, probe.format, time.time(),
        )  # fmt: skip
        with self.errors():
            return [
                int(
                    self._db.execute(
                        'INSERT INTO segments(item, number, start, "end") VALUES(?, ?, ?, ?)',
                        (item, number, start, end),
                    ).lastrowid
                    or 0
                )
                for number, (start, end) in enumerate(spans)
            ]

    # -- stores -------------------------------------------------------------------------------------------

    def stores(self) -> dict[str, Store]:
        """Every row file by name."""
        rows = self.all("SELECT name, dim, count, file FROM stores ORDER BY name")
        return {name: Store(name=name, dim=dim, count=count, file=file) for name, dim, count, file in rows}

    def put_store(self, store: Store) -> None:
        """Note a row file's committed state."""
        self.all(
            "INSERT OR REPLACE INTO stores VALUES(?, ?, ?, ?)", store.name, store.dim, store.count, store.file
        )

    def map_rows(self, pairs: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        """Note, per store, (row, segment) pairs."""
        with self.errors():
            for store, mapped in pairs.items():
                self._db.executemany("INSERT INTO rows VALUES(?, ?, ?)", [(store, r, s) for r, s in mapped])

    def problems(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when all is well."""
        return [row[0] for row in self.all("PRAGMA integrity_check") if row[0] != "ok"]

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

from encoders.base import AffectError, printable
from encoders.media import Probe
from retrieval.storage.file_stamps import Known, Stamp
from retrieval.storage.schema import AS_IF_NEW, FIRST, FORMAT, UPGRADE, connect, run_all, spoken

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?")


@dataclass(frozen=True, kw_only=True)
class Store:
    """One row file: its name ("object.words"), row length, committed rows and the generation it is of.

    Raises AffectError for what can't be part of a file's name: a library may come from a stranger.
    """

    name: str
    dim: int
    count: int
    generation: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(str(self.name)):
            raise AffectError(f"the catalogue names a row file {self.name!r}, which no library has")

    @property
    def file(self) -> str:
        """Its place in the library's folder."""
        return f"rows/{self.generation}/{self.name}.f16"


def _number(generation: str | None) -> str:
    """A generation, which is part of names of files. Raises AffectError if it is no number."""
    if generation is None or not re.fullmatch("[0-9]+", str(generation)):
        raise AffectError(f"the catalogue is damaged: {generation!r} is no generation of files")
    return generation


class Catalog:
    """A connection to catalog.sqlite. Raises AffectError when it is missing, damaged or of another format."""

    def __init__(self, file: Path) -> None:
        self.file = file
        with self.errors():
            self._db = connect(file)
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("PRAGMA foreign_keys=ON")
            found = self.get("format")
            if found not in (FIRST, FORMAT):
                raise AffectError(
                    f"{printable(file)}: format {found}, this version reads up to {FORMAT}; "
                    "index into a new one"
                )
            if found == FIRST:
                run_all(self._db, AS_IF_NEW)

    def upgrade(self) -> None:
        """Make a catalogue of the first format one of this format; the caller may write."""
        if self.get("format") == FIRST:
            with self.transaction():
                run_all(self._db, UPGRADE)
                self.set("format", FORMAT)

    def errors(self) -> contextlib.AbstractContextManager[None]:
        """Turns SQLite's errors into one clear line each."""
        return spoken(self.file)

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

    def many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        """One statement for each row of values."""
        with self.errors():
            self._db.executemany(sql, values)

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

    def generation(self) -> str:
        """Names the files that belong together."""
        return _number(self.get("generation"))

    # -- files --------------------------------------------------------------------------------------------

    def known(self) -> dict[Path, Known]:
        """Every remembered path."""
        rows = self.all("SELECT path, size, mtime_ns, ctime_ns, item, error FROM files")
        return {
            Path(os.fsdecode(path)): Known(
                stamp=Stamp(size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns), item=item, error=error
            )
            for path, size, mtime_ns, ctime_ns, item, error in rows
        }

    def remember(
        self, path: Path, stamp: Stamp, *, item: str | None = None, error: str | None = None
    ) -> None:
        """Note where an item stands, or why a file could not be read."""
        self.all(
            "INSERT OR REPLACE INTO files(path, size, mtime_ns, ctime_ns, item, error) "
            "VALUES(?, ?, ?, ?, ?, ?)",
            os.fsencode(path), stamp.size, stamp.mtime_ns, stamp.ctime_ns, item, error,
        )  # fmt: skip

    def drop(self, paths: Iterable[Path]) -> None:
        """Drop paths. Items that have none left stay until `drop_orphans`."""
        self.many("DELETE FROM files WHERE path = ?", ((os.fsencode(path),) for path in paths))

    def forget(self, paths: Iterable[Path]) -> None:
        """Drop paths; items that have none left go with them."""
        self.drop(paths)
        self.drop_orphans()

    def places(self, item: str) -> list[Path]:
        """Every path of an item."""
        return [Path(os.fsdecode(row[0])) for row in self.all("SELECT path FROM files WHERE item = ?", item)]

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
        return [(os.fsdecode(path), error) for path, error in rows]

    # -- items --------------------------------------------------------------------------------------------

    def has(self, item: str) -> bool:
        """Whether an item is in the library."""
        return bool(self.all("SELECT 1 FROM items WHERE id = ?", item))

    def add_item(
        self, item: str, probe: Probe, spans: Sequence[tuple[float | None, float | None]]
    ) -> list[int]:
        """A new item with its segments' (start, end); returns the segments' ids."""
        self.all(
            "INSERT INTO items(id, modality, duration, width, height, format, added, incomplete) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            item, probe.modality, probe.duration, probe.width, probe.height, probe.format, time.time(),
            probe.incomplete,
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
        rows = self.all(
            "SELECT name, dim, count, (SELECT value FROM meta WHERE key = 'generation') "
            "FROM stores ORDER BY name"
        )
        return {
            name: Store(name=name, dim=dim, count=count, generation=_number(generation))
            for name, dim, count, generation in rows
        }

    def put_store(self, store: Store) -> None:
        """Note a row file's committed state."""
        self.all("INSERT OR REPLACE INTO stores VALUES(?, ?, ?)", store.name, store.dim, store.count)

    def map_rows(self, pairs: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        """Note, per store, (row, segment) pairs."""
        for store, mapped in pairs.items():
            self.many("INSERT INTO rows VALUES(?, ?, ?)", ((store, r, s) for r, s in mapped))

    def problems(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when all is well."""
        return [row[0] for row in self.all("PRAGMA integrity_check") if row[0] != "ok"]

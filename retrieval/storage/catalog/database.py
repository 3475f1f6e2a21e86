"""The connection to catalog.sqlite: transactions, single queries, and the values of its table `meta`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from encoders import AffectError, to_printable
from retrieval.storage.schema import (
    SCHEMA_VERSION,
    connect,
    translate_sqlite_errors,
)


class SettingsReader(Protocol):
    """Gives settings of a library by key, as a catalogue does."""

    def get_meta(self, key: str) -> str | None:
        """The value of a key; None if it is absent."""
        ...


class Database:
    """A connection to a catalogue. Raises AffectError if it is missing, damaged or of an unknown version."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.translate_errors():
            self._connection = connect(path)
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA foreign_keys=ON")
            if (version := self.get_meta("format")) != SCHEMA_VERSION:
                raise AffectError(
                    f"{to_printable(path)}: format {version}, this version reads up to {SCHEMA_VERSION}; "
                    "index into a new one"
                )

    def translate_errors(self) -> contextlib.AbstractContextManager[None]:
        """Turn SQLite's errors into AffectError messages of one line."""
        return translate_sqlite_errors(self.path)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a write transaction: rolled back on any exception, durable on disk on return."""
        with self.translate_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if (
                    self._connection.in_transaction
                ):  # SQLite may already have rolled back, for example on a full disk
                    self._connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def read_transaction(self) -> Iterator[None]:
        """Run several reads on one consistent state, independent of concurrent writers."""
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
        """Run a statement once per row of values."""
        with self.translate_errors():
            self._connection.executemany(sql, values)

    def execute(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return all rows."""
        with self.translate_errors():
            return self._connection.execute(sql, values).fetchall()

    def iterate(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query one after the other, without all of them in memory."""
        with self.translate_errors():
            yield from self._connection.execute(sql)

    def get_version(self) -> tuple[int, int]:
        """A version that changes whenever this or another connection has written."""
        return int(self.execute("PRAGMA data_version")[0][0]), self._connection.total_changes

    def get_meta(self, key: str) -> str | None:
        """The value of a key in the table `meta`; None if it is absent."""
        rows = self.execute("SELECT value FROM meta WHERE key = ?", key)
        return rows[0][0] if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Set the value of a key in the table `meta`."""
        self.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", key, value)

    def get_generation(self) -> str:
        """The number of the current generation of row and index files."""
        return validate_generation(self.get_meta("generation"))

    def check_integrity(self) -> list[str]:
        """Problems reported by SQLite's integrity check; empty if there are none."""
        return [row[0] for row in self.execute("PRAGMA integrity_check") if row[0] != "ok"]


def validate_generation(generation: str | None) -> str:
    """Return a generation that is safe in file names. Raises AffectError if it is not a number."""
    if generation is None or not re.fullmatch("[0-9]+", str(generation)):
        raise AffectError(f"the catalogue is damaged: {generation!r} is no generation of files")
    return generation

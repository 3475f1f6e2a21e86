"""The connection to catalog.sqlite: transactions, single queries, and the values of its table `meta`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from encoders import AffectError, to_printable
from retrieval.storage.schema import (
    COMPATIBILITY_VIEWS,
    FIRST_SCHEMA_VERSION,
    MIGRATION,
    SCHEMA_VERSION,
    connect,
    execute_script,
    translate_sqlite_errors,
)


class Database:
    """A connection to a catalogue. Raises AffectError when it is missing, damaged or of another format."""

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

    def get_meta(self, key: str) -> str | None:
        """A kept value."""
        found = self.execute("SELECT value FROM meta WHERE key = ?", key)
        return found[0][0] if found else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep a value."""
        self.execute("INSERT OR REPLACE INTO meta VALUES(?, ?)", key, value)

    def get_generation(self) -> str:
        """Names the files that belong together."""
        return validate_generation(self.get_meta("generation"))

    def check_integrity(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty when it is whole."""
        return [row[0] for row in self.execute("PRAGMA integrity_check") if row[0] != "ok"]


def validate_generation(generation: str | None) -> str:
    """A generation, which is part of names of files. Raises AffectError if it is no number."""
    if generation is None or not re.fullmatch("[0-9]+", str(generation)):
        raise AffectError(f"the catalogue is damaged: {generation!r} is no generation of files")
    return generation

"""The catalogue's tables of row files, and of the items that were read and have no rows in one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from encoders import AffectError
from retrieval.storage.catalog.database import Database, validate_generation

_VECTOR_FILE_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?")
_CREATE_ITEMS_WITHOUT_ROWS = (  # in libraries to which a role was added
    "CREATE TABLE IF NOT EXISTS items_without_rows(store TEXT, item TEXT, PRIMARY KEY(store, item)) "
    "WITHOUT ROWID"
)


@dataclass(frozen=True, kw_only=True)
class VectorFile:
    """A row file: name (such as "object.words"), row length, number of committed rows, and generation.

    Raises AffectError for a name unsafe as a file name, because libraries may come from untrusted sources.
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
        """Whether its rows are projections ("object.words") and not raw features."""
        return "." in self.name

    @property
    def relative_path(self) -> str:
        """Its path relative to the library's folder."""
        return f"rows/{self.generation}/{self.name}.f16"

    @property
    def segments_path(self) -> str:
        """The path of the column with the segment of each row, relative to the library's folder."""
        return f"rows/{self.generation}/{self.name}.segments.i4"


class VectorTable(Database):
    """Queries on row files and on items without rows."""

    def list_vector_files(self) -> dict[str, VectorFile]:
        """Every row file by name."""
        rows = self.execute(
            "SELECT name, dim, count, (SELECT value FROM meta WHERE key = 'generation') "
            "FROM stores ORDER BY name"
        )
        return {
            name: VectorFile(name=name, dim=dim, count=count, generation=validate_generation(generation))
            for name, dim, count, generation in rows
        }

    def record_vector_file(self, vector_file: VectorFile) -> None:
        """Insert or replace a row file's row length and committed row count."""
        self.execute(
            "INSERT OR REPLACE INTO stores VALUES(?, ?, ?)",
            vector_file.name,
            vector_file.dim,
            vector_file.count,
        )

    def remove_vector_file(self, name: str) -> None:
        """Delete a row file; what it holds is overwritten by the next rows, and all items are to be read."""
        self.execute("DELETE FROM stores WHERE name = ?", name)
        self.execute(_CREATE_ITEMS_WITHOUT_ROWS)
        self.execute("DELETE FROM items_without_rows WHERE store = ?", name)

    def record_items_without_rows(self, name: str, item_ids: Iterable[str]) -> None:
        """Record items that were read for a row file and have no rows in it."""
        self.execute(_CREATE_ITEMS_WITHOUT_ROWS)
        self.execute_many(
            "INSERT OR IGNORE INTO items_without_rows VALUES(?, ?)", ((name, item) for item in item_ids)
        )

    def list_items_without_rows(self, name: str) -> set[str]:
        """Ids of the items that were recorded as read for a row file and without rows in it."""
        if not self.execute("SELECT 1 FROM sqlite_master WHERE name = 'items_without_rows'"):
            return set()
        return {row[0] for row in self.execute("SELECT item FROM items_without_rows WHERE store = ?", name)}

    def clear_vector_files(self) -> None:
        """Delete all row files; a rebuild writes new ones."""
        self.execute("DELETE FROM stores")

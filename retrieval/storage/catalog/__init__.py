"""The catalogue: what is in a library, in SQLite. Row files hold the numbers; this says which count."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from retrieval.storage.catalog.consistency import find_inconsistencies
from retrieval.storage.catalog.files import FileTable
from retrieval.storage.catalog.items import ItemRecord, ItemTable, SegmentRecord
from retrieval.storage.catalog.vectors import VectorFile, VectorTable

__all__ = ["Catalog", "ItemRecord", "SegmentRecord", "VectorFile"]


class Catalog(FileTable, ItemTable, VectorTable):
    """All tables of one catalogue. Raises AffectError when it is missing, damaged or of another format."""

    def remove_paths_and_orphans(self, paths: Iterable[Path]) -> None:
        """Drop paths; items that have none left go with them."""
        self.remove_paths(paths)
        self.remove_orphans()

    def find_problems(self) -> list[str]:
        """What is wrong with the file and between its tables, a line each; empty when all is well."""
        return [*self.check_integrity(), *find_inconsistencies(self)]

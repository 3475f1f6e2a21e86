"""The catalogue: metadata of a library in SQLite. It records which rows of the row files are committed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from retrieval.storage.catalog.consistency import find_inconsistencies
from retrieval.storage.catalog.database import SettingsReader
from retrieval.storage.catalog.items import ItemPosition, ItemRecord, ItemTable, ListedItem
from retrieval.storage.catalog.vectors import VectorFile, VectorTable

__all__ = ["Catalog", "ItemPosition", "ItemRecord", "ListedItem", "SettingsReader", "VectorFile"]


class Catalog(ItemTable, VectorTable):
    """All tables of a catalogue. Raises AffectError if it is missing, damaged or of an unknown version."""

    def remove_paths_and_orphans(self, paths: Iterable[Path]) -> None:
        """Delete paths, and items that have none left."""
        self.remove_paths(paths)
        self.remove_orphans()

    def find_problems(self) -> list[str]:
        """Problems of the file and between its tables, one line each; empty if there are none."""
        return [*self.check_integrity(), *find_inconsistencies(self)]

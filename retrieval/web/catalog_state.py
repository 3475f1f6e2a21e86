"""One committed state of a library's catalogue: its items, counts, folders and map."""

from __future__ import annotations

from functools import cached_property
from itertools import count
from typing import Any

from retrieval.search import open_snapshot
from retrieval.storage import AnyLibrary, AnySnapshot
from retrieval.web.item_listing import ItemListing, Positions
from retrieval.web.top_folders import find_top_folders

MAX_FOLDERS = 50

_state_numbers = count(1)


class CatalogState:
    """One committed state of a library; what is read of it is kept.

    number: of its own in this process
    """

    def __init__(self, library: AnyLibrary) -> None:
        self._library = library
        self.snapshot: AnySnapshot = open_snapshot(library)
        self.number = next(_state_numbers)
        self._orders: dict[str, Positions] = {}

    @cached_property
    def listing(self) -> ItemListing:
        """Every item that has a file, in order of path."""
        return ItemListing.load(self._library, self.snapshot)

    def sort_items(self, key: str) -> Positions:
        """(n,) positions of all items of the listing, by path, valence, arousal or date."""
        if key not in self._orders:
            self._orders[key] = self.listing.sort(key)
        return self._orders[key]

    @cached_property
    def counts(self) -> dict[str, Any]:
        """Counts of items, files and segments, and the top folders."""
        catalog = self._library.catalog
        return {
            "items": catalog.count_items_by_modality(),
            "files": catalog.count_files_and_items()[0],
            "segments": catalog.count_segments(),
            "unreadable": len(catalog.list_unreadable()),
            "missing": len(catalog.list_missing_paths()),
            "folders": [
                {"path": folder, "items": item_count}
                for folder, item_count in find_top_folders(self.listing.paths, MAX_FOLDERS)
            ],
        }

    @cached_property
    def map_columns(self) -> dict[str, Any]:
        """The items on the valence-arousal plane, column by column."""
        return self.listing.make_map_columns()

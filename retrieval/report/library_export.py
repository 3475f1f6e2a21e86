"""A library as one HTML file that holds all it shows: the mood map, and a gallery of its items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from encoders import AffectError, to_printable
from retrieval.report.va_map import compute_item_affect, make_plotted_items
from retrieval.report.va_page import write_va_page
from retrieval.storage import Library, Snapshot

MAX_THUMBNAILS = 2000  # in the file, some 10 kB each; further items have none


def export_library(library: Library, snapshot: Snapshot, path: Path) -> dict[str, Any]:
    """Write the file; returns the counts of items and of those with a thumbnail, and the file's name.

    Raises AffectError for a library without items, and if the file can't be written.
    """
    indices = np.flatnonzero(snapshot.is_shown).tolist()
    items = make_plotted_items(library, snapshot, compute_item_affect(snapshot), indices, MAX_THUMBNAILS)
    if not items:
        raise AffectError(f"{to_printable(library.folder)}: nothing in it to export; index a folder first")
    write_va_page(path, items, f"{len(items)} items of {to_printable(library.folder.name)}", has_gallery=True)
    return {
        "items": len(items),
        "thumbnails": sum(item.thumbnail is not None for item in items),
        "file": to_printable(path),
    }

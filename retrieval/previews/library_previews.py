"""The previews of a library as a whole: their number and size, what lacks one or is stale, damage."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Set

from encoders import to_printable
from retrieval.previews.preview_database import PREVIEWS_NAME, DamagedPreviewsError, connect_to_read
from retrieval.previews.preview_store import PreviewStore, measure_store_bytes
from retrieval.previews.preview_writer import PreviewWriter
from retrieval.storage import Library


def list_items_without_preview(library: Library) -> list[str]:
    """Ids of items whose previews were not made, ascending."""
    with contextlib.closing(PreviewStore.open(library.folder)) as store:
        return sorted(store.list_missing(library.catalog.load_item_ids()))


def count_previews(library: Library) -> dict[str, int]:
    """Number of images, and of items with a waveform, with faces and without a preview; bytes of the file."""
    with contextlib.closing(PreviewStore.open(library.folder)) as store:
        counts = store.count()
        missing_count = len(store.list_missing(library.catalog.load_item_ids()))
    return {**counts, "without": missing_count, "bytes": measure_store_bytes(library.folder)}


def remove_stale_previews(library: Library) -> Set[str]:
    """Remove the previews of items that are no longer in a library; ids of its items that have none.

    The caller holds its write lock. Empty where previews can't be written.
    """
    with contextlib.closing(PreviewWriter(library.folder)) as writer:
        return writer.keep_only(library.catalog.load_item_ids())


def compact_previews(library: Library) -> None:
    """Remove them and give their space back to the disk; the caller holds the library's write lock."""
    with contextlib.closing(PreviewWriter(library.folder)) as writer:
        writer.keep_only(library.catalog.load_item_ids())
        writer.compact()


def find_preview_problems(library: Library) -> list[str]:
    """Damage of the file of previews, one line; none where there is no such file."""
    path = library.folder / PREVIEWS_NAME
    try:
        connection = connect_to_read(path)
        if connection is None:
            return []
        with contextlib.closing(connection):
            reports = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
    except (sqlite3.Error, DamagedPreviewsError, OSError) as error:
        reports = [str(error)]
    return [
        f"{to_printable(path)}: damaged ({report}); delete it and run affect index, to make them again"
        for report in reports
        if report != "ok"
    ]

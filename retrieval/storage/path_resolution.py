"""The files of a library that a user names by a path, a folder, or the id of an item."""

from __future__ import annotations

import os
from pathlib import Path

from encoders import AffectError, to_printable
from retrieval.storage.ports import AnyLibrary
from retrieval.storage.snapshot import matches_id
from retrieval.storage.unicode_names import find_equivalent_paths


def resolve_paths(library: AnyLibrary, path_or_id: str) -> list[Path]:
    """The library's paths equal to or below a path, else those of the item with an id or id prefix.

    Raises AffectError if none matches, or if the prefix matches several items.
    """
    records = library.catalog.load_files()
    target = Path(os.path.abspath(path_or_id)) if path_or_id else None  # noqa: PTH100 - a symlink stays the name given
    if matches := [path for path in records if target in (path, *path.parents)] or find_equivalent_paths(
        target, records
    ):
        return matches
    item_ids = {
        record.item_id
        for record in records.values()
        if record.item_id and matches_id(record.item_id, path_or_id)
    }
    if len(item_ids) > 1:
        raise AffectError(f"{path_or_id!r}: more than one item begins so; see affect list")
    if not item_ids:
        raise AffectError(
            f"{to_printable(path_or_id)!r}: no item, file or folder of this library; see affect list"
        )
    return [path for path, record in records.items() if record.item_id in item_ids]

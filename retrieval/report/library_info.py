"""Facts about a library and about the experts, as plain rows for printing."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from encoders import ENCODERS, AffectError, to_printable
from retrieval.search import load_index_kind
from retrieval.storage import Library, find_equivalent_paths, list_custom_heads, matches_id


def get_library_info(library: Library) -> dict[str, Any]:
    """Counts, sizes, encoders and failures of a library."""
    files, different = library.catalog.count_files_and_items()
    return {
        "library": str(library.folder),
        "items": library.catalog.count_items_by_modality(),
        "files": files,
        "duplicates": files - different,
        "missing": len(library.catalog.list_missing_paths()),
        "incomplete": library.catalog.count_incomplete_items(),
        "segments": library.catalog.count_segments(),
        "unreadable": len(library.catalog.list_unreadable()),
        "rows": {file.name: file.count for file in library.catalog.list_vector_files().values()},
        "bytes": _measure_folder_bytes(library.folder),
        "segment": library.segment_seconds,
        "encoders": json.loads(library.config.to_json()),
        "own": dict(list_custom_heads(library.catalog)),
        "index": load_index_kind(library).name,
    }


def _measure_folder_bytes(folder: Path) -> int:
    """Size of all files below; one that a writer takes away meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def list_library_items(library: Library, modalities: Sequence[str]) -> list[dict[str, Any]]:
    """Every item of these modalities, in order of path; `missing` ones were gone when last looked for."""
    return [asdict(item) for item in library.catalog.list_items() if item.modality in modalities]


def make_rows_printable(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with paths that are safe on any terminal, without `incomplete` and `missing` where none is."""
    told = {name for name in ("incomplete", "missing") if any(row.get(name) for row in rows)}
    return [
        {
            name: to_printable(value) if isinstance(value, str) else value
            for name, value in row.items()
            if name in told or name not in ("incomplete", "missing")
        }
        for row in rows
    ]


def list_unreadable_files(library: Library) -> list[dict[str, Any]]:
    """Files that could not be read, and why."""
    return [{"path": path, "reason": reason} for path, reason in library.catalog.list_unreadable()]


def resolve_paths(library: Library, path_or_id: str) -> list[Path]:
    """The library's paths that a path, a folder or else an id stands for.

    Raises AffectError if there are none, or more than one id begins so.
    """
    known = library.catalog.load_files()
    below = Path(os.path.abspath(path_or_id)) if path_or_id else None  # noqa: PTH100 - a symlink stays the name given
    if found := [path for path in known if below in (path, *path.parents)] or find_equivalent_paths(
        below, known
    ):
        return found
    items = {
        entry.item_id for entry in known.values() if entry.item_id and matches_id(entry.item_id, path_or_id)
    }
    if len(items) > 1:
        raise AffectError(f"{path_or_id!r}: more than one item begins so; see affect list")
    if not items:
        raise AffectError(
            f"{to_printable(path_or_id)!r}: no item, file or folder of this library; see affect list"
        )
    return [path for path, entry in known.items() if entry.item_id in items]


def list_encoders() -> list[dict[str, Any]]:
    """Every registered encoder: what it takes and gives, or what is missing."""
    return [_describe_encoder(name) for name in sorted(ENCODERS)]


def _describe_encoder(name: str) -> dict[str, Any]:
    try:
        card = ENCODERS.make(name).card
    except AffectError as missing:
        return {"name": name, "takes": None, "dim": None, "licence": None, "weights": f"not here: {missing}"}
    return {
        "name": name,
        "takes": card.modality,
        "dim": card.dim,
        "licence": card.licence,
        "weights": card.weights_source,
    }

"""Facts about a library and about the experts, as plain rows for printing."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from encoders.base import AffectError, printable
from encoders.registry import ENCODERS
from retrieval.storage.custom_heads import own_files
from retrieval.storage.item_paths import BEST_PATH, counts, marked_missing
from retrieval.storage.library import Library
from retrieval.storage.snapshot import begins
from retrieval.storage.unicode_names import spelled_alike


def about(library: Library) -> dict[str, Any]:
    """Counts, sizes, encoders and failures of a library."""
    sql = library.catalog.all
    stores = library.catalog.stores().values()
    files, different = counts(library.catalog)
    index = json.loads(library.catalog.get("index") or '{"kind": "exact"}')
    return {
        "library": str(library.folder),
        "items": dict(sql("SELECT modality, count(*) FROM items GROUP BY modality ORDER BY modality")),
        "files": files,
        "duplicates": files - different,
        "missing": len(marked_missing(library.catalog)),
        "incomplete": sql("SELECT count(incomplete) FROM items")[0][0],
        "segments": sql("SELECT count(*) FROM segments")[0][0],
        "unreadable": len(library.catalog.errors_kept()),
        "rows": {store.name: store.count for store in stores},
        "bytes": _bytes(library.folder),
        "segment": library.segment,
        "encoders": json.loads(library.recipe.to_json()),
        "own": dict(own_files(library.catalog)),
        "index": index["kind"],
    }


def _bytes(folder: Path) -> int:
    """Size of all files below; one that a writer takes away meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(place, name).lstat().st_size
    return total


def items(library: Library, modalities: Sequence[str]) -> list[dict[str, Any]]:
    """Every item of these modalities, in order of path; `missing` ones were gone when last looked for."""
    rows = library.catalog.all(
        "SELECT items.id, modality, duration, width, height, "
        "(SELECT count(*) FROM segments WHERE item = items.id), incomplete, min(missing), "
        f"{BEST_PATH} AS place FROM items JOIN files ON item = items.id GROUP BY items.id ORDER BY place"
    )
    names = ("id", "modality", "duration", "width", "height", "segments", "incomplete", "missing", "path")
    return [
        dict(zip(names, (*row[:-2], bool(row[-2]), os.fsdecode(row[-1])), strict=True))
        for row in rows
        if row[1] in modalities
    ]


def for_people(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with paths that are safe on any terminal, without `incomplete` and `missing` where none is."""
    told = {name for name in ("incomplete", "missing") if any(row.get(name) for row in rows)}
    return [
        {
            name: printable(value) if isinstance(value, str) else value
            for name, value in row.items()
            if name in told or name not in ("incomplete", "missing")
        }
        for row in rows
    ]


def failures(library: Library) -> list[dict[str, Any]]:
    """Files that could not be read, and why."""
    return [{"path": path, "reason": reason} for path, reason in library.catalog.errors_kept()]


def paths_of(library: Library, name: str) -> list[Path]:
    """The library's paths that a path, a folder or else an id stands for.

    Raises AffectError if there are none, or more than one id begins so.
    """
    known = library.catalog.known()
    below = Path(os.path.abspath(name)) if name else None  # noqa: PTH100 - a symlink stays the name given
    if found := [path for path in known if below in (path, *path.parents)] or spelled_alike(below, known):
        return found
    items = {entry.item for entry in known.values() if entry.item and begins(entry.item, name)}
    if len(items) > 1:
        raise AffectError(f"{name!r}: more than one item begins so; see affect list")
    if not items:
        raise AffectError(f"{printable(name)!r}: no item, file or folder of this library; see affect list")
    return [path for path, entry in known.items() if entry.item in items]


def experts() -> list[dict[str, Any]]:
    """Every registered encoder: what it takes and gives, or what is missing."""
    return [_expert(name) for name in sorted(ENCODERS)]


def _expert(name: str) -> dict[str, Any]:
    try:
        card = ENCODERS.make(name).card
    except AffectError as missing:
        return {"name": name, "takes": None, "dim": None, "licence": None, "weights": f"not here: {missing}"}
    return {
        "name": name, "takes": card.sense, "dim": card.dim, "licence": card.licence, "weights": card.weights,
    }  # fmt: skip

"""Where the items of a library are on disk: copies, and files that were missing when last looked for."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from retrieval.storage.catalog import Catalog, FileStamp

# SQL: of the paths of an item (a group of rows) the first that is not missing, else the first.
BEST_PATH_SQL = "coalesce(min(CASE missing WHEN 0 THEN path END), min(path))"
_MOUNTS_KEY = "mounts"


def list_copies(catalog: Catalog) -> dict[str, list[Path]]:
    """The paths of each item that has more than one."""
    found: dict[str, list[Path]] = {}
    for item, path in catalog.execute(
        "SELECT item, path FROM files WHERE item IN "
        "(SELECT item FROM files GROUP BY item HAVING count(*) > 1)"
    ):
        found.setdefault(item, []).append(Path(os.fsdecode(path)))
    return found


def list_missing_paths(catalog: Catalog) -> set[Path]:
    """Paths that were missing when they were last looked for."""
    return {Path(os.fsdecode(row[0])) for row in catalog.execute("SELECT path FROM files WHERE missing")}


def mark_missing(catalog: Catalog, paths: Iterable[Path], *, is_missing: bool) -> None:
    """Note whether a file is at these paths."""
    catalog.execute_many(
        "UPDATE files SET missing = ? WHERE path = ?",
        ((int(is_missing), os.fsencode(path)) for path in paths),
    )


def add_ctimes(catalog: Catalog, stamps: Mapping[Path, FileStamp]) -> None:
    """Complete the stamps of files that a library of the first format kept."""
    catalog.execute_many(
        "UPDATE files SET ctime_ns = ? WHERE path = ?",
        ((stamp.ctime_ns, os.fsencode(path)) for path, stamp in stamps.items()),
    )


def count_files_and_items(catalog: Catalog) -> tuple[int, int]:
    """How many files could be read, and how many different items they are."""
    files, items = catalog.execute("SELECT count(item), count(DISTINCT item) FROM files")[0]
    return int(files), int(items)


def load_mount_points(catalog: Catalog) -> set[Path]:
    """Folders that were mount points when files below them were indexed."""
    return {Path(name) for name in json.loads(catalog.get_meta(_MOUNTS_KEY) or "[]")}


def save_mount_points(catalog: Catalog, folders: Collection[Path]) -> None:
    """Keep which folders are mount points."""
    catalog.set_meta(_MOUNTS_KEY, json.dumps(sorted(map(str, folders))))

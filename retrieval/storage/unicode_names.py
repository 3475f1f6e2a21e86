"""Names of files in whichever Unicode normal form they were written: é is one character or two (NFC, NFD)."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path


def normalise_path(path: Path) -> Path:
    """The path in normal form C, in which paths that people see as one are equal."""
    return Path(unicodedata.normalize("NFC", str(path)))


def find_equivalent_paths(target: Path | None, paths: Iterable[Path]) -> list[Path]:
    """Those of the paths that are the wanted one, or lie below it, in another normal form."""
    if target is None or str(target).isascii():
        return []
    like = normalise_path(target)
    return [path for path in paths if like in (one := normalise_path(path), *one.parents)]


def find_on_disk(path: Path) -> Path:
    """The path in the normal form that is on disk; as given where it is there, or where no form is."""
    if os.path.lexists(path) or path.parent == path:
        return path
    folder, wanted = find_on_disk(path.parent), normalise_path(Path(path.name))
    for form in ("NFC", "NFD"):  # a folder is only listed for a name that mixes them
        if os.path.lexists(found := folder / unicodedata.normalize(form, path.name)):
            return found
    try:
        there = sorted(folder.iterdir())
    except OSError:
        return path
    return next((found for found in there if normalise_path(Path(found.name)) == wanted), path)

"""File names in different Unicode normal forms: é is one character in NFC and two in NFD."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path


def normalise_path(path: Path) -> Path:
    """The path in NFC, for comparing paths independently of their normal form."""
    return Path(unicodedata.normalize("NFC", str(path)))


def find_equivalent_paths(target: Path | None, paths: Iterable[Path]) -> list[Path]:
    """Paths equal to `target` or below it up to the normal form; empty for an ASCII target."""
    if target is None or str(target).isascii():
        return []
    normalised_target = normalise_path(target)
    return [
        path
        for path in paths
        if normalised_target in (normalised := normalise_path(path), *normalised.parents)
    ]


def find_on_disk(path: Path) -> Path:
    """The path in the normal form used on disk; unchanged if it exists as given, or in no form."""
    if os.path.lexists(path) or path.parent == path:
        return path
    folder, normalised_name = find_on_disk(path.parent), normalise_path(Path(path.name))
    for form in ("NFC", "NFD"):  # cheap attempts first; only mixed forms need a listing of the folder
        if os.path.lexists(candidate := folder / unicodedata.normalize(form, path.name)):
            return candidate
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return path
    return next(
        (candidate for candidate in entries if normalise_path(Path(candidate.name)) == normalised_name), path
    )

"""Heads that a library has of its own, beside those that come with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from retrieval.catalog import Catalog
from spaces.joint import Heads
from spaces.stored import load_heads

FOLDER = "heads"
NOTE = "heads"  # in the catalogue: the library's own heads, file name by space


def own_heads(folder: Path, files: Mapping[str, str]) -> dict[str, Heads]:
    """Heads by space, from file names by space. Raises AffectError where one can't be read."""
    return {space: load_heads(folder / FOLDER / file) for space, file in files.items()}


def own_files(catalog: Catalog) -> Mapping[str, str]:
    """File names of the library's own heads, by space."""
    files: Mapping[str, str] = json.loads(catalog.get(NOTE) or "{}")
    return files

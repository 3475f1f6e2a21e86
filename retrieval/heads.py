"""Which trained heads a library is projected with: those that come with the package, or its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from retrieval.catalog import Catalog
from spaces.joint import Heads
from spaces.stored import load_heads, packaged_heads

FOLDER = "heads"
NOTE = "heads"  # in the catalogue: the library's own heads, file name by space


def heads_of(folder: Path, catalog: Catalog) -> dict[str, Heads]:
    """Heads by space. Raises AffectError where the library's own can't be read."""
    own = {space: load_heads(folder / FOLDER / file) for space, file in own_files(catalog).items()}
    return {**packaged_heads(), **own}


def own_files(catalog: Catalog) -> Mapping[str, str]:
    """File names of the library's own heads, by space."""
    files: Mapping[str, str] = json.loads(catalog.get(NOTE) or "{}")
    return files

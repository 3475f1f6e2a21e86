"""What a library has of its own, beside what comes with the package: heads by space, and an alignment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from retrieval.features.pipeline import Experts, Recipe
from retrieval.storage.catalog import Catalog
from spaces.affect_regression import load_alignment
from spaces.joint.io import load_heads

FOLDER = "heads"
NOTE = "heads"  # in the catalogue: the library's own files, by space
ALIGNMENT = "alignment"  # stands among the spaces


def own_experts(recipe: Recipe, folder: Path, files: Mapping[str, str]) -> Experts:
    """Experts with a library's own files. Raises AffectError where one can't be read."""
    places = {name: folder / FOLDER / file for name, file in files.items()}
    alignment = load_alignment(places.pop(ALIGNMENT)) if ALIGNMENT in places else None
    heads = {space: load_heads(place) for space, place in places.items()}
    return Experts(recipe, heads, alignment=alignment)


def own_files(catalog: Catalog) -> Mapping[str, str]:
    """File names of what the library has of its own, by space."""
    files: Mapping[str, str] = json.loads(catalog.get(NOTE) or "{}")
    return files


def tidy(folder: Path, catalog: Catalog) -> None:
    """Take away files in the library's folder that are no longer in use."""
    used = own_files(catalog).values()
    for file in (folder / FOLDER).glob("*.safetensors"):
        if file.name not in used:
            file.unlink(missing_ok=True)

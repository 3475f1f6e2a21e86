"""What a library has of its own, beside what comes with the package: heads by space, and an alignment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.storage.catalog import Catalog
from spaces.affect_regression import load_alignment
from spaces.joint import load_heads

HEADS_FOLDER = "heads"
HEADS_KEY = "heads"  # in the catalogue: the library's own files, by space
ALIGNMENT_KEY = "alignment"  # stands among the spaces


def load_custom_pipeline(config: PipelineConfig, folder: Path, files: Mapping[str, str]) -> FeaturePipeline:
    """Experts with a library's own files. Raises AffectError where one can't be read."""
    places = {name: folder / HEADS_FOLDER / file for name, file in files.items()}
    alignment = load_alignment(places.pop(ALIGNMENT_KEY)) if ALIGNMENT_KEY in places else None
    heads = {space: load_heads(place) for space, place in places.items()}
    return FeaturePipeline(config, heads, alignment=alignment)


def list_custom_heads(catalog: Catalog) -> Mapping[str, str]:
    """File names of what the library has of its own, by space."""
    files: Mapping[str, str] = json.loads(catalog.get_meta(HEADS_KEY) or "{}")
    return files


def remove_unused_heads(folder: Path, catalog: Catalog) -> None:
    """Take away files in the library's folder that are no longer in use."""
    used = list_custom_heads(catalog).values()
    for file in (folder / HEADS_FOLDER).glob("*.safetensors"):
        if file.name not in used:
            file.unlink(missing_ok=True)

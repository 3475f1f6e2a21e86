"""A library's custom heads by space and its affect alignment, which override the packaged ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.storage.catalog import Catalog, SettingsReader
from spaces.affect_regression import load_alignment
from spaces.joint import load_heads

HEADS_FOLDER = "heads"
HEADS_KEY = "heads"  # key in the catalogue's meta table: custom files by space, as JSON
ALIGNMENT_KEY = "alignment"  # the alignment's key among the spaces


def load_custom_pipeline(config: PipelineConfig, folder: Path, files: Mapping[str, str]) -> FeaturePipeline:
    """A feature pipeline with a library's custom files. Raises AffectError if one can't be read."""
    paths = {key: folder / HEADS_FOLDER / file for key, file in files.items()}
    alignment = load_alignment(paths.pop(ALIGNMENT_KEY)) if ALIGNMENT_KEY in paths else None
    heads = {space: load_heads(path) for space, path in paths.items()}
    return FeaturePipeline(config, heads, alignment=alignment)


def list_custom_heads(catalog: SettingsReader) -> Mapping[str, str]:
    """File names of the library's custom heads and alignment, by space."""
    files: Mapping[str, str] = json.loads(catalog.get_meta(HEADS_KEY) or "{}")
    return files


def remove_unused_heads(folder: Path, catalog: Catalog) -> None:
    """Delete files in the library's heads folder that the catalogue does not reference, and their cards."""
    used_names = list_custom_heads(catalog).values()
    for pattern in ("*.safetensors", "*.md"):
        for file in (folder / HEADS_FOLDER).glob(pattern):
            if file.with_suffix(".safetensors").name not in used_names:
                file.unlink(missing_ok=True)

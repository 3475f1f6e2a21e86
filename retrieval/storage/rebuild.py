"""Rewriting of a library's row files: without deleted rows, every space projected again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from retrieval.features import FeaturePipeline
from retrieval.storage.catalog import Catalog
from retrieval.storage.vector_store import VectorStore, select_rows

CHUNK_SEGMENTS = 4096  # segments projected at a time


def rewrite_vectors(
    catalog: Catalog, vectors: VectorStore, pipeline: FeaturePipeline, settings: Mapping[str, str]
) -> None:
    """Write the row files of a new generation and set `settings`; call it in a transaction.

    Rows of roles that the pipeline has no encoder for, which are being added, are kept and not projected.
    Raises OSError when the disk is full.
    """
    catalog.remove_orphans()
    old_files = catalog.list_vector_files()
    roles = [name for name, file in old_files.items() if not file.is_projection]
    row_by_segment = {role: vectors.load_row_by_segment(role) for role in roles}
    segment_ids = catalog.list_segment_ids()
    catalog.clear_vector_files()
    generation = int(catalog.get_generation()) + 1
    new_settings = {**settings, "generation": str(generation), "signature": pipeline.make_signature()}
    for key, value in new_settings.items():
        catalog.set_meta(key, value)
    for start in range(0, len(segment_ids), CHUNK_SEGMENTS):
        chunk = np.array(segment_ids[start : start + CHUNK_SEGMENTS])
        features = {
            role: select_rows(vectors.open(old_files[role]), row_by_segment[role], chunk) for role in roles
        }
        filled = {role: features[role] for role in pipeline.media_roles if role in features}
        for name, rows in {**features, **pipeline.project_all(filled)}.items():
            vectors.append(name, rows, chunk)

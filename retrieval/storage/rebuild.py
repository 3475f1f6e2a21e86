"""Rewriting of a library's row files and columns: without deleted rows, every space projected again."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from retrieval.features import FeaturePipeline
from retrieval.storage.catalog import Catalog, ItemPosition
from retrieval.storage.item_columns import POSITION_DTYPE, Extent, ItemColumns
from retrieval.storage.vector_file import gather_rows
from retrieval.storage.vector_store import Positions, VectorStore, invert_positions

CHUNK_SEGMENTS = 4096  # segments projected at a time


def rewrite_vectors(
    catalog: Catalog, vectors: VectorStore, pipeline: FeaturePipeline, settings: Mapping[str, str]
) -> None:
    """Write the row files of a new generation and set `settings`; call it in a transaction.

    Rows of roles that the pipeline has no encoder for, which are being added, are kept and not projected.
    Raises OSError when the disk is full.
    """
    catalog.remove_orphans()
    extent = catalog.get_extent()
    old_files = {name: file for name, file in catalog.list_vector_files().items() if not file.is_projection}
    old_rows = {
        role: (vectors.open(file), invert_positions(vectors.open_segments(file), extent.segments))
        for role, file in old_files.items()
    }
    columns = vectors.open_columns()
    catalog.clear_vector_files()
    generation = int(catalog.get_generation()) + 1
    new_settings = {**settings, "generation": str(generation), "signature": pipeline.make_signature()}
    for key, value in new_settings.items():
        catalog.set_meta(key, value)
    kept_segments = _compact_columns(catalog, vectors, columns)
    for start in range(0, len(kept_segments), CHUNK_SEGMENTS):
        chunk = kept_segments[start : start + CHUNK_SEGMENTS]
        features = {
            role: gather_rows(rows, row_by_segment[chunk])
            for role, (rows, row_by_segment) in old_rows.items()
        }
        filled = {role: features[role] for role in pipeline.media_roles if role in features}
        for name, rows in {**features, **pipeline.project_all(filled)}.items():
            vectors.append(name, rows, np.arange(start, start + len(chunk)))


def _compact_columns(catalog: Catalog, vectors: VectorStore, columns: ItemColumns) -> Positions:
    """Write columns without removed items, and give the former positions of their segments."""
    positions = catalog.list_positions()
    kept_items = np.array([position.item for _, position in positions], np.int64)
    counts = np.array([position.segment_count for _, position in positions], np.int64)
    firsts = np.cumsum(counts) - counts
    former_firsts = np.array([position.first_segment for _, position in positions], np.int64)
    kept_segments = np.repeat(former_firsts - firsts, counts) + np.arange(counts.sum())
    catalog.set_extent(Extent(0, 0))
    vectors.append_items(
        ItemColumns(
            ids=columns.ids[kept_items],
            modality_codes=columns.modality_codes[kept_items],
            item_by_segment=np.repeat(np.arange(len(counts), dtype=POSITION_DTYPE), counts),
            spans=columns.spans[kept_segments],
        )
    )
    catalog.move_items(
        (item_id, ItemPosition(i, int(firsts[i]), int(counts[i]))) for i, (item_id, _) in enumerate(positions)
    )
    return kept_segments

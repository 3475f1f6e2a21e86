"""Loading a snapshot of the last committed state of a library, while another process may write to it."""

from __future__ import annotations

import numpy as np

from encoders import AffectError
from retrieval.features import AFFECT_VECTORS_NAME
from retrieval.storage.index_records import load_index_records
from retrieval.storage.library import Library
from retrieval.storage.segment_vectors import open_segment_vectors
from retrieval.storage.snapshot import Snapshot

MAX_ATTEMPTS = 3  # a rebuild may delete files between reading the catalogue and opening them


def load_snapshot(library: Library) -> Snapshot:
    """Load the last committed state. Raises AffectError if the files don't match the catalogue."""
    for attempt in range(MAX_ATTEMPTS):
        version = library.catalog.get_version()
        try:
            with library.catalog.read_transaction():
                return _read_snapshot(library, version)
        except AffectError:
            if attempt + 1 == MAX_ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _read_snapshot(library: Library, catalog_version: tuple[int, int]) -> Snapshot:
    catalog, columns = library.catalog, library.vectors.open_columns()
    views = {
        name: open_segment_vectors(library.vectors, vector_file, len(columns.item_by_segment))
        for name, vector_file in catalog.list_vector_files().items()
        if vector_file.is_projection
    }
    affect_vectors = views.pop(AFFECT_VECTORS_NAME, None)
    return Snapshot(
        catalog=catalog,
        vectors=library.vectors,
        catalog_version=catalog_version,
        generation=catalog.get_generation(),
        index_records=load_index_records(catalog),
        columns=columns,
        removed_items=np.array(catalog.list_removed_positions(), np.int64),
        views=views,
        affect_vectors=affect_vectors,
    )

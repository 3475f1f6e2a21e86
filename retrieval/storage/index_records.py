"""Records of a library's index files, in the catalogue's setting "index"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from retrieval.storage.catalog import Catalog

INDEX_SETTINGS_KEY = "index"  # of the catalogue


@dataclass(frozen=True, kw_only=True)
class IndexRecord:
    """An index file.

    kind: name of its kind
    row_count: rows of the view that it covers, from the first on; those of other modalities are left out
    number: of the build, part of the file's name
    effort: `VectorIndex.effort` with which it is searched
    recall: share of the exact nearest rows that it finds with that, as measured when it was built
    """

    kind: str
    row_count: int
    number: int
    effort: int
    recall: float


def load_index_records(catalog: Catalog) -> Mapping[str, IndexRecord]:
    """Records by "view.modality" of the current generation; none for files of another, or of format 2."""
    stored = json.loads(catalog.get_meta(INDEX_SETTINGS_KEY) or "{}")
    if stored.get("generation") != catalog.get_generation():
        return {}
    return {name: IndexRecord(**record) for name, record in stored["files"].items()}

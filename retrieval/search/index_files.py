"""Index files of a library: one a view and modality, of a kind of `retrieval.vector_index.registry`.

The catalogue's setting "index" names the wanted kind, its options, and a record of each file there is. A file
is immutable: a new build has another name, and is found once the catalogue names it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows, UnknownNameError
from retrieval.storage import INDEX_SETTINGS_KEY, AnyLibrary, IndexRecord, Library
from retrieval.vector_index import (
    DEFAULT_INDEX,
    IndexKind,
    RowSubset,
    VectorIndex,
    get_index_kind,
)

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
log = logging.getLogger(__name__)
UNREADABLE_INDEX_ERRORS = (OSError, ValueError, EOFError)


@dataclass(frozen=True, kw_only=True)
class StoredIndex:
    """An index of a file, and the row of the view (n,) that each of its positions stands for."""

    index: VectorIndex
    row_indices: Positions
    record: IndexRecord

    def search(self, queries: Rows, k: int, mask: Mask | None) -> Positions:
        """Rows of the view that are candidates for the k nearest to each of (q, d); `mask` (n,)."""
        positions = self.index.find_candidates(queries, k, mask).ravel()
        return np.asarray(self.row_indices[positions[positions >= 0]], np.int64)


@dataclass(frozen=True)
class IndexFiles:
    """The index files of one state of a library; `records` by "view.modality"."""

    folder: Path
    generation: str
    records: Mapping[str, IndexRecord]

    def make_path(self, view: str, modality: str, record: IndexRecord) -> Path:
        """Where the file of a view and modality is. Raises UnknownNameError for an unknown kind."""
        kind = get_index_kind(record.kind)
        name = f"{view}.{modality}.{record.number}{kind.file_suffix}"
        return self.folder / kind.name / self.generation / name

    def read(self, view: str, modality: str, rows: npt.NDArray[np.float16]) -> StoredIndex | None:
        """The index of a view's rows (n, d) of a modality; None where there is no file.

        Raises one of UNREADABLE_INDEX_ERRORS for a file that is absent or damaged.
        """
        record = self.records.get(f"{view}.{modality}")
        if record is None or (load := get_index_kind(record.kind).load) is None:
            return None
        path = self.make_path(view, modality, record)
        row_indices = np.load(path.with_suffix(".npy"), mmap_mode="r").view(np.ndarray)
        if len(row_indices) and row_indices[-1] >= min(record.row_count, len(rows)):
            raise ValueError("it is of rows that the library has not")
        index = load(path, RowSubset(rows, row_indices))
        index.effort = record.effort
        return StoredIndex(index=index, row_indices=row_indices, record=record)

    def load(self, view: str, modality: str, rows: npt.NDArray[np.float16]) -> StoredIndex | None:
        """As `read`, but None, and a warning, for a damaged file: exact search needs none."""
        try:
            return self.read(view, modality, rows)
        except FileNotFoundError:  # another process has just rebuilt the library
            return None
        except (*UNREADABLE_INDEX_ERRORS, UnknownNameError) as bad:
            record = self.records[f"{view}.{modality}"]
            log.warning(
                "%s.%s: the index is damaged (%s); searching exactly, affect rebuild --index %s mends it",
                view, modality, bad, record.kind,
            )  # fmt: skip
            return None


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """How a library is to be searched: "auto" or a kind's name, and values of options."""

    choice: str
    options: Mapping[str, int]

    @classmethod
    def load(cls, library: AnyLibrary) -> IndexSettings:
        """Those a library has; its kind may be unknown here."""
        stored = json.loads(library.catalog.get_meta(INDEX_SETTINGS_KEY) or "{}")
        choice = str(stored.get("kind", DEFAULT_INDEX))
        options = {name: value for name, value in stored.items() if isinstance(value, int)}
        return cls(choice=choice, options=options)

    def fill_options(self, kind: IndexKind) -> dict[str, int]:
        """Values of all options of a kind."""
        return kind.fill_options(self.options)

    def save(self, library: Library, generation: str, records: Mapping[str, IndexRecord]) -> None:
        """Store them with the records of the files there are; call it in a transaction."""
        stored: dict[str, Any] = {
            "kind": self.choice,
            **self.options,
            "generation": generation,
            "files": {name: asdict(record) for name, record in records.items()},
        }
        library.catalog.set_meta(INDEX_SETTINGS_KEY, json.dumps(stored))

"""The vectors of a library: row files, whose rows the catalogue maps to segments."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, is_missing_row, to_printable
from retrieval.storage import vector_file as row_files
from retrieval.storage.catalog import Catalog, VectorFile
from retrieval.storage.locking import translate_disk_errors

SegmentIds = npt.NDArray[np.int64]


class VectorStore:
    """Reads and appends to the row files (float16) of a library."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._folder, self._catalog = folder, catalog

    def append(self, name: str, rows: Rows, segment_ids: SegmentIds) -> None:
        """Append rows (n, d) of segments (n,) to a row file, except missing rows; call it in a transaction.

        Raises AffectError if d differs from the file's, or when the disk is full.
        """
        present_indices = np.flatnonzero(~is_missing_row(rows))
        vector_file = self._catalog.list_vector_files().get(name) or VectorFile(
            name=name, dim=rows.shape[1], count=0, generation=self._catalog.get_generation()
        )
        if rows.shape[1] != vector_file.dim:
            raise AffectError(
                f"{to_printable(self._folder)}: rows of {name} have {rows.shape[1]} columns, "
                f"not {vector_file.dim}; run: affect rebuild --library {to_printable(self._folder)}"
            )
        count = vector_file.count
        row_files.append_rows(self._folder / vector_file.relative_path, count, rows[present_indices])
        pairs = [(count + i, int(segment_ids[index])) for i, index in enumerate(present_indices)]
        self._catalog.map_rows_to_segments({name: pairs})
        self._catalog.record_vector_file(replace(vector_file, count=count + len(present_indices)))

    def open(self, vector_file: VectorFile) -> npt.NDArray[np.float16]:
        """A file's committed rows (count, d), memory-mapped. Raises AffectError if it is too short."""
        path = self._folder / vector_file.relative_path
        with translate_disk_errors(self._folder):
            try:
                return row_files.open_memmap(path, vector_file.count, vector_file.dim)
            except ValueError as error:
                raise AffectError(f"{error}; {_suggest_fix(self._folder, vector_file)}") from error

    def load(self, name: str, segment_ids: SegmentIds) -> Rows | None:
        """Rows (n, d) of segments by id, NaN where a segment has none; None if there is no such row file."""
        vector_file = self._catalog.list_vector_files().get(name)
        if vector_file is None:
            return None
        return select_rows(self.open(vector_file), self.load_row_by_segment(name), segment_ids)

    def load_row_by_segment(self, name: str) -> dict[int, int]:
        """Row index by segment id."""
        return {segment: row for row, segment in self._catalog.list_rows(name)}

    def remove_old_generations(self) -> None:
        """Delete the row files of all generations but the committed one."""
        current = self._catalog.get_generation()
        for folder in (self._folder / "rows").glob("*"):
            if folder.name != current:
                shutil.rmtree(folder, ignore_errors=True)


def select_rows(
    rows: npt.NDArray[np.float16], row_by_segment: Mapping[int, int], segment_ids: SegmentIds
) -> Rows:
    """Rows (n, d) float32 of segments (n,), NaN where a segment has none."""
    indices = np.array([row_by_segment.get(int(segment), -1) for segment in segment_ids], np.int64)
    return row_files.gather_rows(rows, indices)


def round_to_float16(rows: Rows) -> Rows:
    """Rows rounded to float16 and back to float32, as a row file returns them."""
    return np.asarray(row_files.to_float16(rows), np.float32)


def _suggest_fix(folder: Path, vector_file: VectorFile) -> str:
    if vector_file.is_projection:  # a projection can be recomputed from raw rows
        return f"run: affect rebuild --library {to_printable(folder)}"
    return "put a backup in its place, or delete the library's folder and index again"

"""Rows of a library: appended to row files, and mapped to segments by the catalogue."""

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
    """The row files of a library; their rows are float16."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self._folder, self._catalog = folder, catalog

    def append(self, name: str, rows: Rows, segment_ids: SegmentIds) -> None:
        """Append rows (n, d) of segments (n,) to a row file, without the missing ones, in a transaction.

        Raises AffectError for rows of another length than the file's, or when the disk is full.
        """
        present = np.flatnonzero(~is_missing_row(rows))
        vector_file = self._catalog.list_vector_files().get(name) or VectorFile(
            name=name, dim=rows.shape[1], count=0, generation=self._catalog.get_generation()
        )
        if rows.shape[1] != vector_file.dim:
            raise AffectError(
                f"{to_printable(self._folder)}: rows of {name} have {rows.shape[1]} columns, "
                f"not {vector_file.dim}; run: affect rebuild --library {to_printable(self._folder)}"
            )
        count = vector_file.count
        row_files.append_rows(self._folder / vector_file.relative_path, count, rows[present])
        pairs = [(count + i, int(segment_ids[index])) for i, index in enumerate(present)]
        self._catalog.map_rows_to_segments({name: pairs})
        self._catalog.record_vector_file(replace(vector_file, count=count + len(present)))

    def open(self, vector_file: VectorFile) -> npt.NDArray[np.float16]:
        """A file's committed rows (count, d), mapped. Raises AffectError if it is missing or too short."""
        path = self._folder / vector_file.relative_path
        with translate_disk_errors(self._folder):
            try:
                return row_files.open_memmap(path, vector_file.count, vector_file.dim)
            except ValueError as short:
                raise AffectError(f"{short}; {_suggest_fix(self._folder, vector_file)}") from short

    def load(self, name: str, segment_ids: SegmentIds) -> Rows | None:
        """Rows (n, d) of segments by id, NaN where one has none; None without such a row file."""
        vector_file = self._catalog.list_vector_files().get(name)
        if vector_file is None:
            return None
        return select_rows(self.open(vector_file), self.load_row_by_segment(name), segment_ids)

    def load_row_by_segment(self, name: str) -> dict[int, int]:
        """The row of each segment, by its id."""
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
    """Rows (n, d) of segments (n,), NaN where one has none."""
    indices = np.array([row_by_segment.get(int(segment), -1) for segment in segment_ids], np.int64)
    selected = np.full((len(segment_ids), rows.shape[1]), np.nan, np.float32)
    selected[indices >= 0] = rows[indices[indices >= 0]]
    return selected


def round_to_float16(rows: Rows) -> Rows:
    """Rows as a row file gives them back."""
    return np.asarray(row_files.to_float16(rows), np.float32)


def _suggest_fix(folder: Path, vector_file: VectorFile) -> str:
    if vector_file.is_projection:  # it can be projected again from raw rows
        return f"run: affect rebuild --library {to_printable(folder)}"
    return "put a backup in its place, or delete the library's folder and index again"

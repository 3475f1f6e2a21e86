"""The vectors of a library: row files, and beside each the column of its rows' segments."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, is_missing_row, to_printable
from retrieval.storage import vector_file as row_files
from retrieval.storage.catalog import Catalog, VectorFile
from retrieval.storage.item_columns import (
    POSITION_DTYPE,
    ColumnPositions,
    Extent,
    ItemColumns,
    append_item_columns,
    open_item_columns,
)
from retrieval.storage.locking import translate_disk_errors

Positions = npt.NDArray[np.integer[Any]]


class VectorStore:
    """Reads and appends to the row files (float16) and columns of a library."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        self.folder, self._catalog = folder, catalog

    def append(self, name: str, rows: Rows, segments: Positions) -> None:
        """Append rows (n, d) of segments (n,) to a row file, except missing rows; call it in a transaction.

        Raises AffectError if d differs from the file's, or when the disk is full.
        """
        present_indices = np.flatnonzero(~is_missing_row(rows))
        vector_file = self._catalog.list_vector_files().get(name) or VectorFile(
            name=name, dim=rows.shape[1], count=0, generation=self._catalog.get_generation()
        )
        if rows.shape[1] != vector_file.dim:
            raise AffectError(
                f"{to_printable(self.folder)}: rows of {name} have {rows.shape[1]} columns, "
                f"not {vector_file.dim}; run: affect rebuild --library {to_printable(self.folder)}"
            )
        count = vector_file.count
        row_files.append_rows(self.folder / vector_file.relative_path, count, rows[present_indices])
        row_files.append_array(
            self.folder / vector_file.segments_path,
            count,
            np.asarray(segments[present_indices], POSITION_DTYPE),
        )
        self._catalog.record_vector_file(replace(vector_file, count=count + len(present_indices)))

    def append_items(self, columns: ItemColumns) -> Extent:
        """Append items to the columns and give the extent before; call it in a transaction.

        Raises OSError when the disk is full.
        """
        extent = self._catalog.get_extent()
        self._catalog.set_extent(append_item_columns(self._get_columns_folder(), extent, columns))
        return extent

    def open(self, vector_file: VectorFile) -> npt.NDArray[np.float16]:
        """A file's committed rows (count, d), memory-mapped. Raises AffectError if it is too short."""
        path = self.folder / vector_file.relative_path
        shape = vector_file.count, vector_file.dim
        return self._map(lambda: row_files.open_memmap(path, shape), is_projection=vector_file.is_projection)

    def open_segments(self, vector_file: VectorFile) -> ColumnPositions:
        """(count,) each row's segment, -1: none, memory-mapped. Raises AffectError if the file is short."""
        path = self.folder / vector_file.segments_path
        return self._map(
            lambda: row_files.open_memmap(path, (vector_file.count,), POSITION_DTYPE),
            is_projection=vector_file.is_projection,
        )

    def open_columns(self) -> ItemColumns:
        """The columns of items and segments. Raises AffectError if a file is too short."""
        extent, folder = self._catalog.get_extent(), self._get_columns_folder()
        return self._map(lambda: open_item_columns(folder, extent))

    def load(self, name: str, segments: Positions) -> Rows | None:
        """Rows (n, d) of segments, NaN where a segment has none; None if there is no such row file."""
        vector_file = self._catalog.list_vector_files().get(name)
        if vector_file is None:
            return None
        segment_count = self._catalog.get_extent().segments
        row_by_segment = invert_positions(self.open_segments(vector_file), segment_count)
        return row_files.gather_rows(self.open(vector_file), row_by_segment[segments])

    def load_rows_by_item(self, name: str) -> tuple[list[str], Positions]:
        """Ids (n,) of items and rows (n,) of a row file that belong to a segment of theirs, in order of row.

        Both are empty if there is no such row file.
        """
        vector_file = self._catalog.list_vector_files().get(name)
        if vector_file is None:
            return [], np.empty(0, np.int64)
        columns, segments = self.open_columns(), self.open_segments(vector_file)
        is_kept = np.ones(len(columns.ids), np.bool_)
        is_kept[self._catalog.list_removed_positions()] = False
        rows = np.flatnonzero(segments >= 0)
        items = columns.item_by_segment[segments[rows]]
        rows, items = rows[is_kept[items]], items[is_kept[items]]
        return columns.ids[items].astype(np.str_).tolist(), rows

    def remove_old_generations(self) -> None:
        """Delete the row files of all generations but the committed one."""
        current = self._catalog.get_generation()
        for folder in (self.folder / "rows").glob("*"):
            if folder.name != current:
                shutil.rmtree(folder, ignore_errors=True)

    def _get_columns_folder(self) -> Path:
        return self.folder / "rows" / self._catalog.get_generation()

    def _map(self, open_file: Callable[[], Any], *, is_projection: bool = False) -> Any:
        """Open a file. Raises AffectError, with a way to mend it, if it is too short."""
        name = to_printable(self.folder)
        with translate_disk_errors(self.folder):
            try:
                return open_file()
            except ValueError as error:
                fix = (
                    f"run: affect rebuild --library {name}"  # a projection can be recomputed from raw rows
                    if is_projection
                    else "put a backup in its place, or delete the library's folder and index again"
                )
                raise AffectError(f"{error}; {fix}") from error


def invert_positions(segment_by_row: Positions, segment_count: int) -> ColumnPositions:
    """(segment_count,) the row of each segment, -1 where it has none, from the segment of each row.

    Raises ValueError for a segment outside of -1 to segment_count - 1.
    """
    if len(segment_by_row) and not -1 <= segment_by_row.min() <= segment_by_row.max() < segment_count:
        raise ValueError(f"a row belongs to a segment that is none of {segment_count}")
    row_by_segment = np.full(segment_count, -1, POSITION_DTYPE)
    rows = np.flatnonzero(segment_by_row >= 0)
    row_by_segment[segment_by_row[rows]] = rows
    return row_by_segment


def round_to_float16(rows: Rows) -> Rows:
    """Rows rounded to float16 and back to float32, as a row file returns them."""
    return np.asarray(row_files.to_float16(rows), np.float32)

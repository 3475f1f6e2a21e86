"""Columns of a library's items and segments: memory-mapped arrays, in the order in which items were added.

An item or segment is known by its position in them. They are append-only within a generation; items that were
removed keep their position until a rebuild, and the catalogue names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from encoders import AffectError
from retrieval.storage.vector_file import append_array, open_memmap

MODALITIES = ("image", "video", "audio")  # by code
ID_LENGTH = 16  # characters
ID_DTYPE = np.dtype(f"S{ID_LENGTH}")
POSITION_DTYPE = np.dtype("<i4")
MAX_POSITION = int(np.iinfo(POSITION_DTYPE).max)

Ids = npt.NDArray[np.bytes_]
Codes = npt.NDArray[np.uint8]
ColumnPositions = npt.NDArray[np.int32]
Spans = npt.NDArray[np.float64]


class Extent(NamedTuple):
    """How many items and segments the columns of a library have, removed ones included."""

    items: int
    segments: int


@dataclass(frozen=True, kw_only=True)
class ItemColumns:
    """Columns of items and segments.

    ids:             (items,) ids, in ASCII
    modality_codes:  (items,) positions in MODALITIES
    item_by_segment: (segments,) positions of items, ascending
    spans:           (segments, 2) start and end in seconds, NaN without time
    """

    ids: Ids
    modality_codes: Codes
    item_by_segment: ColumnPositions
    spans: Spans

    @cached_property
    def by_name(self) -> dict[str, npt.NDArray[Any]]:
        """Each column by the name of its file."""
        columns = (self.ids, self.modality_codes, self.item_by_segment, self.spans)
        return dict(zip(_COLUMN_FILES, columns, strict=True))


class _ColumnFile(NamedTuple):
    """dtype, shape of one row, and whether its rows are segments and not items."""

    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]
    is_of_segments: bool


_COLUMN_FILES = {
    "item_ids.s16": _ColumnFile(ID_DTYPE, (), False),
    "item_modalities.u1": _ColumnFile(np.dtype("u1"), (), False),
    "segment_items.i4": _ColumnFile(POSITION_DTYPE, (), True),
    "segment_spans.f8": _ColumnFile(np.dtype("<f8"), (2,), True),
}


def open_item_columns(folder: Path, extent: Extent) -> ItemColumns:
    """The columns in a folder, memory-mapped. Raises ValueError if a file is shorter than `extent`."""
    columns: list[Any] = [
        open_memmap(
            folder / name,
            (extent.segments if file.is_of_segments else extent.items, *file.row_shape),
            file.dtype,
        )
        for name, file in _COLUMN_FILES.items()
    ]
    ids, modality_codes, item_by_segment, spans = columns
    return ItemColumns(ids=ids, modality_codes=modality_codes, item_by_segment=item_by_segment, spans=spans)


def append_item_columns(folder: Path, extent: Extent, columns: ItemColumns) -> Extent:
    """Write columns after the first `extent` rows, and give what they hold then.

    `columns.item_by_segment` counts the new items from 0. Raises OSError (disk full), and AffectError where a
    library would have more than MAX_POSITION segments.
    """
    new_extent = Extent(extent.items + len(columns.ids), extent.segments + len(columns.item_by_segment))
    if max(new_extent) > MAX_POSITION:
        raise AffectError(f"a library holds at most {MAX_POSITION} segments; index into a second one")
    for name, column in columns.by_name.items():
        file = _COLUMN_FILES[name]
        shifted = column + extent.items if name == "segment_items.i4" else column
        row_count = extent.segments if file.is_of_segments else extent.items
        append_array(folder / name, row_count, np.asarray(shifted, file.dtype))
    return new_extent


def make_item_columns(
    ids: Sequence[str],
    modalities: Sequence[str],
    spans: Sequence[Sequence[tuple[float | None, float | None]]],
) -> ItemColumns:
    """Columns of items by id, modality and the spans of their segments.

    Raises ValueError for an id of another length than ID_LENGTH, or an unknown modality.
    """
    if wrong := [item_id for item_id in ids if len(item_id) != ID_LENGTH or not item_id.isascii()]:
        raise ValueError(f"an id has {ID_LENGTH} ASCII characters, unlike {wrong[0]!r}")
    return ItemColumns(
        ids=np.array([item_id.encode() for item_id in ids], ID_DTYPE),
        modality_codes=np.array([MODALITIES.index(modality) for modality in modalities], np.uint8),
        item_by_segment=np.repeat(np.arange(len(ids), dtype=POSITION_DTYPE), [len(one) for one in spans]),
        spans=np.array([span for one in spans for span in one], np.float64).reshape(
            -1, 2
        ),  # None becomes NaN
    )


def make_id_keys(ids: Ids) -> npt.NDArray[np.uint64]:
    """(ID_LENGTH / 8, n) keys of (n,) ids; sorting by them in turn, the last first, sorts by id."""
    words = np.ascontiguousarray(ids).view(">u8").reshape(len(ids), ID_LENGTH // 8)
    return words.T[::-1].astype(np.uint64)

"""Affect of videos from a CSV file: valence and arousal, or any other numbers, a row each."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoders import AffectError, Rows, to_printable
from retrieval.training.captions_csv import read_csv_rows

ID_COLUMN = "video_id"


@dataclass(frozen=True, kw_only=True, eq=False)
class AffectTable:
    """Numbers (d,) by video, NaN where missing, under the names of their columns (d,)."""

    columns: tuple[str, ...]
    by_video: Mapping[str, Rows]

    @property
    def digest(self) -> str:
        """Digest of all of it."""
        rows = [(video, row.tolist()) for video, row in sorted(self.by_video.items())]
        return hashlib.sha256(repr((self.columns, rows)).encode()).hexdigest()


def read_affect(path: Path) -> AffectTable:
    """The table of a CSV file with a column "video_id"; an empty cell is missing.

    Raises AffectError for no such column, no others, no rows, a cell too many or that is no number, or a
    video given twice.
    """
    where = to_printable(path)
    rows = list(read_csv_rows(path))
    columns = tuple(name for name in (rows[0] if rows else {}) if name not in (ID_COLUMN, None))
    if not rows or ID_COLUMN not in rows[0] or not columns:
        raise AffectError(f'{where}: not a table of affect: wanted the column "{ID_COLUMN}" and numbers')
    by_video: dict[str, Rows] = {}
    for number, row in enumerate(rows, start=1):
        video = row[ID_COLUMN]
        if None in row:
            raise AffectError(f"{where}: row {number} has more cells than the header")
        if video in by_video:
            raise AffectError(f"{where}: row {number} is of {to_printable(video)}, which has one already")
        by_video[video] = np.array(
            [_parse_cell(row[name], f"{where}: row {number}, {name}") for name in columns], np.float32
        )
    return AffectTable(columns=columns, by_video=by_video)


def _parse_cell(cell: str | None, location: str) -> float:
    if not (cell or "").strip():
        return math.nan
    try:
        value = float(cell or "")
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise AffectError(
            f"{location}: {to_printable(str(cell))} is no number; leave it empty if it is missing"
        )
    return value

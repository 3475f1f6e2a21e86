"""Readings of several modalities from a user's CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from encoders import AffectError, read_text, to_printable
from experiments.alignment.pairs import Floats, MultimodalReadings, Strings
from retrieval.evaluation.permutation_tests import ExchangeRule


def read_readings_csv(path: Path, *, exchange: ExchangeRule | None = None) -> MultimodalReadings:
    """Read blocks of columns that share a prefix: a.valence, a.arousal, b.valence, ...

    A block's prefix is the part of the name before the last dot. The columns `group` (no fold splits a group)
    and `emotion` are optional; an empty cell is missing. Without `group` every row is a group and rows are
    exchanged; with it, whole groups are exchanged by default, which suits rows that follow each other.

    Raises AffectError that names what can't be used.
    """
    header, rows = _read_table(path)
    blocks = {
        prefix: [at for at, name in enumerate(header) if "." in name and name.rpartition(".")[0] == prefix]
        for prefix in dict.fromkeys(name.rpartition(".")[0] for name in header if "." in name)
    }
    if len(blocks) < 2:
        raise AffectError(
            f"{to_printable(path)}: two or more blocks of columns are needed, such as a.valence, a.arousal, "
            f"b.valence, b.arousal; found: {', '.join(blocks) or 'none'}"
        )
    readings = {prefix: _parse_numbers(path, header, rows, columns) for prefix, columns in blocks.items()}
    groups = _parse_text_column(header, rows, "group")
    return MultimodalReadings(
        name=path.stem,
        by_modality=readings,
        groups=groups,
        emotions=_parse_text_column(header, rows, "emotion"),
        columns={
            prefix: tuple(header[at].rpartition(".")[2] for at in columns)
            for prefix, columns in blocks.items()
        },
        exchange=exchange or ("rows" if groups is None else "groups"),
    )


def _read_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Column names, each once, and one or more rows of cells. Raises AffectError."""
    try:
        lines = list(csv.reader(io.StringIO(read_text(path), newline="")))
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AffectError(f"{to_printable(path)}: {str(reason).lower()}") from error
    if len(lines) < 2:
        raise AffectError(f"{to_printable(path)}: no rows")
    header = [name.strip() for name in lines[0]]
    if len(set(header)) != len(header):
        raise AffectError(f"{to_printable(path)}: a column is there twice")
    return header, lines[1:]


def _parse_numbers(path: Path, header: list[str], rows: list[list[str]], columns: list[int]) -> Floats:
    """(n, k) the numbers in these columns, NaN where a cell is empty. Raises AffectError."""
    values = np.full((len(rows), len(columns)), np.nan)
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise AffectError(f"{to_printable(path)}, line {number + 2}: {len(row)} cells, not {len(header)}")
        for at, column in enumerate(columns):
            cell = row[column].strip()
            if not cell or cell.lower() == "nan":
                continue
            position = f"{to_printable(path)}, line {number + 2}, {header[column]}"
            try:
                values[number, at] = float(cell)
            except ValueError as error:
                raise AffectError(f"{position}: {cell!r} is not a number") from error
            if np.isinf(values[number, at]):
                raise AffectError(f"{position}: not finite")
    return values


def _parse_text_column(header: list[str], rows: list[list[str]], name: str) -> Strings | None:
    if name not in header:
        return None
    return np.array([row[header.index(name)].strip() for row in rows])

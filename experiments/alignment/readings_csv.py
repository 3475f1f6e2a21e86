"""Readings of several modalities from a user's CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders import AffectError, read_text, to_printable
from experiments.alignment.csv_columns import ColumnChoice, find_blocks
from experiments.alignment.pairs import Floats, MultimodalReadings, Strings
from retrieval.evaluation.permutation_tests import ExchangeRule

CONTROL_WORDS = {
    **dict.fromkeys(("", "0", "no", "n", "false"), False),
    **dict.fromkeys(("1", "yes", "y", "true", "x"), True),
}
"""What a cell of the column `control` may say, in small letters."""


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Column names, each once, the rows of cells, and the line of the file that each row ends on."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def name_cell(self, row: int, column: int) -> str:
        return f"{to_printable(self.path)}, line {self.lines[row]}, {to_printable(self.header[column])}"


def read_readings_csv(
    path: Path, *, exchange: ExchangeRule | None = None, choice: ColumnChoice | None = None, name: str = ""
) -> MultimodalReadings:
    """Read blocks of columns that share a prefix: a.valence, a.arousal, b.valence, ...

    A block's prefix is the part of the name before the last dot; `choice` names the columns of two modalities
    instead. The columns `group` (no fold splits a group), `emotion` and `control` (rows that are no true
    pairs) are optional; an empty cell is missing. Without `group` every row is a group and rows are
    exchanged; with it, whole groups are exchanged by default, which suits rows that follow each other.

    name: of the readings, by default the file's without its suffix

    Raises AffectError that names what can't be used.
    """
    choice = choice or ColumnChoice()
    table = _read_table(path)
    blocks = find_blocks(path, table.header, choice)
    groups = _read_text_column(table, choice.group or "group")
    return MultimodalReadings(
        name=name or path.stem,
        by_modality={modality: _parse_numbers(table, block.positions) for modality, block in blocks.items()},
        columns={modality: block.columns for modality, block in blocks.items()},
        groups=groups,
        emotions=_read_text_column(table, "emotion"),
        exchange=exchange or ("rows" if groups is None else "groups"),
        is_control=_parse_controls(table),
        notes=_count_repeated_rows(table.rows),
    )


def name_files(paths: Sequence[Path]) -> dict[str, Path]:
    """Files by name: the file's without its suffix, with as many folders before it as tell equal names apart.

    A file that is named twice is there once.
    """
    paths = list({path.absolute(): path for path in paths}.values())
    names: dict[str, Path] = {}
    for path in paths:
        parts = path.absolute().with_suffix("").parts
        others = [other.absolute().with_suffix("").parts for other in paths if other is not path]
        depth = next(
            (n for n in range(1, len(parts)) if all(other[-n:] != parts[-n:] for other in others)), 0
        )
        # files that differ in their suffix alone are told apart by it
        names["/".join(parts[-depth:]) if depth else path.name] = path
    return names


def _read_table(path: Path) -> _Table:
    """One or more rows of cells; blank lines are skipped. Raises AffectError."""
    try:
        reader = csv.reader(io.StringIO(read_text(path), newline=""))
        numbered = [(reader.line_num, cells) for cells in reader if cells]
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AffectError(f"{to_printable(path)}: {str(reason).lower()}") from error
    if len(numbered) < 2:
        raise AffectError(f"{to_printable(path)}: no rows")
    header = [name.strip() for name in numbered[0][1]]
    if len(set(header)) != len(header):
        raise AffectError(f"{to_printable(path)}: a column is there twice")
    for line, cells in numbered[1:]:
        if len(cells) != len(header):
            raise AffectError(f"{to_printable(path)}, line {line}: {len(cells)} cells, not {len(header)}")
    return _Table(
        path=path,
        header=header,
        rows=[[cell.strip() for cell in cells] for _, cells in numbered[1:]],
        lines=[line for line, _ in numbered[1:]],
    )


def _parse_numbers(table: _Table, columns: Sequence[int]) -> Floats:
    """(n, k) the numbers in these columns, NaN where a cell is empty. Raises AffectError."""
    values = np.full((len(table.rows), len(columns)), np.nan)
    for number, row in enumerate(table.rows):
        for at, column in enumerate(columns):
            cell = row[column]
            if not cell or cell.lower() == "nan":
                continue
            try:
                values[number, at] = float(cell)
            except ValueError as error:
                raise AffectError(f"{table.name_cell(number, column)}: {cell!r} is not a number") from error
            if np.isinf(values[number, at]):
                raise AffectError(f"{table.name_cell(number, column)}: not finite")
    return values


def _parse_controls(table: _Table) -> npt.NDArray[np.bool_] | None:
    """(n,) whether each row is marked as a control. Raises AffectError for a word that says neither."""
    cells = _read_text_column(table, "control")
    if cells is None:
        return None
    for row, cell in enumerate(cells):
        if cell.lower() not in CONTROL_WORDS:
            position = table.name_cell(row, table.header.index("control"))
            raise AffectError(f"{position}: {str(cell)!r} is neither yes nor no")
    return np.array([CONTROL_WORDS[cell.lower()] for cell in cells])


def _read_text_column(table: _Table, name: str) -> Strings | None:
    if name not in table.header:
        return None
    return np.array([row[table.header.index(name)] for row in table.rows])


def _count_repeated_rows(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A note on rows that are equal to an earlier one in every column, if there are any."""
    count = len(rows) - len({tuple(row) for row in rows})
    if not count:
        return ()
    subject = "1 row repeats an earlier one" if count == 1 else f"{count} rows repeat earlier ones"
    return (f"{subject} in every column; they are counted as pairs of their own",)

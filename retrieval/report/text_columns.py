"""Terminal tables: columns are dropped by priority until a line fits; paths are shortened, never wrapped."""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import click
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

COLUMN_GAP = "  "
MIN_FILL_WIDTH = 24  # terminal cells a filling column gets before other columns are dropped for it
ELLIPSIS = "…"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A table column.

    priority: 0 is never dropped, higher values are dropped first, equal ones together
    fill: the column shares the remaining width; "path" shortens its cells, "text" wraps them. Empty: the
          column is as wide as its widest cell
    """

    name: str
    priority: int = 0
    fill: str = ""
    is_right_aligned: bool = False


def get_terminal_width() -> int | None:
    """Width of the terminal in cells; None if standard output is no terminal, so that nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def format_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None, notes: Sequence[str] = ()
) -> list[str]:
    """Lines of a table with a header; `notes` holds a text per row, printed below it, wrapped.

    width: in cells; None: every cell is printed in full
    """
    names = [column.name for column in columns]
    cells = [list(column) for column in zip(names, *rows, strict=True)]
    visible, widths = _fit_columns(
        columns, [max(map(cell_len, column_cells)) for column_cells in cells], width
    )
    lines_by_column = [
        _format_cells(columns[index], cells[index], widths[index], width is not None) for index in visible
    ]
    lines: list[str] = []
    for number, row in enumerate(zip(*lines_by_column, strict=True)):
        for line in range(max(map(len, row))):
            texts = (column_lines[line] if line < len(column_lines) else "" for column_lines in row)
            padded = (
                _pad_cell(text, widths[index], columns[index].is_right_aligned)
                for text, index in zip(texts, visible, strict=True)
            )
            lines.append(COLUMN_GAP.join(padded).rstrip())
        if number and notes and notes[number - 1]:
            lines += indent_text(notes[number - 1], 4, width)
    return [click.style(lines[0], bold=True), *lines[1:]] if width is not None else lines


def indent_text(text: str, indent: int, width: int | None) -> list[str]:
    """Text wrapped to lines of at most `width` cells, `indent` included."""
    room = None if width is None else max(width - indent, 8)
    return [" " * indent + line for line in wrap_text(text, room)]


def wrap_text(text: str, width: int | None) -> list[str]:
    """Text wrapped to lines of at most `width` cells, between words where possible."""
    if width is None or cell_len(text) <= width:
        return [text]
    lines = Text(text).wrap(Console(width=width), width)
    return [line.plain.rstrip() for line in lines]


def shorten_paths(paths: Sequence[str], width: int) -> list[str]:
    """Paths cut from the left to at most `width` cells, keeping the parts that tell equal results apart."""
    shortened = [_shorten_path(path, width) for path in paths]
    paths_by_text: dict[str, set[str]] = defaultdict(set)
    for path, text in zip(paths, shortened, strict=True):
        paths_by_text[text].add(path)
    return [
        _shorten_ambiguous_path(path, paths_by_text[text], width) if len(paths_by_text[text]) > 1 else text
        for path, text in zip(paths, shortened, strict=True)
    ]


def _shorten_path(path: str, width: int) -> str:
    """The longest tail of a path that fits; for a longer file name, its beginning and its end."""
    if cell_len(path) <= width:
        return path
    parts = PurePath(path).parts
    for first in range(1, len(parts)):
        text = "/".join((ELLIPSIS, *parts[first:]))
        if cell_len(text) <= width:
            return text
    return _cut_middle(parts[-1], width)


def _shorten_ambiguous_path(path: str, others: Iterable[str], width: int) -> str:
    """The first folder in which paths differ, and the file name."""
    parts = PurePath(path).parts
    parts_by_depth = zip(*(PurePath(other).parts for other in others), strict=False)
    first_difference = next(
        (index for index, column in enumerate(parts_by_depth) if len(set(column)) > 1), len(parts) - 1
    )
    if first_difference >= len(parts) - 1:
        return _cut_middle(parts[-1], width)
    folder = _cut_middle(parts[first_difference], max(width // 3, 3))
    file_name = _cut_middle(parts[-1], max(width - cell_len(folder) - 3, 3))
    return _cut_middle(f"{folder}/{ELLIPSIS}/{file_name}", width)


def _cut_middle(text: str, width: int) -> str:
    """Beginning and end of a text; the end is longer, because it holds the file's suffix."""
    if cell_len(text) <= width:
        return text
    end = max((width - 1) * 2 // 3, min(width - 1, 8))
    return _take_head(text, width - 1 - end) + ELLIPSIS + _take_head(text[::-1], end)[::-1]


def _take_head(text: str, width: int) -> str:
    head_width = 0
    for index, character in enumerate(text):
        head_width += cell_len(character)
        if head_width > width:
            return text[:index]
    return text


def _fit_columns(
    columns: Sequence[Column], full_widths: list[int], width: int | None
) -> tuple[list[int], list[int]]:
    """Indices of the columns that fit, and the width of every column in cells."""
    visible = list(range(len(columns)))
    if width is None:
        return visible, full_widths
    min_widths = [
        min(full_width, MIN_FILL_WIDTH) if column.fill else full_width
        for column, full_width in zip(columns, full_widths, strict=True)
    ]
    while _compute_line_width(min_widths, visible) > width and (
        highest_priority := max(columns[index].priority for index in visible)
    ):
        visible = [index for index in visible if columns[index].priority != highest_priority]
    widths, remaining_width = list(min_widths), width - _compute_line_width(min_widths, visible)
    for number, index in enumerate(filling_indices := [index for index in visible if columns[index].fill]):
        share = remaining_width // (len(filling_indices) - number)
        widths[index] = max(min(full_widths[index], widths[index] + share), 4)
        remaining_width -= widths[index] - min_widths[index]
    return visible, widths


def _compute_line_width(widths: Sequence[int], visible: Sequence[int]) -> int:
    return sum(widths[index] for index in visible) + len(COLUMN_GAP) * (len(visible) - 1)


def _format_cells(column: Column, cells: Sequence[str], width: int, is_limited: bool) -> list[list[str]]:
    """Lines of each cell, shortened or wrapped if the table's width is limited."""
    if is_limited and column.fill == "path":
        return [[text] for text in (cells[0], *shorten_paths(cells[1:], width))]
    if is_limited and column.fill == "text":
        return [wrap_text(text, width) for text in cells]
    return [[text] for text in cells]


def _pad_cell(text: str, width: int, is_right_aligned: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if is_right_aligned else text + space

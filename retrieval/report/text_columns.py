"""Tables for a terminal: columns give way by rank until a line fits, paths are shortened, never folded."""

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
MIN_FILL_WIDTH = 24  # cells a column of paths or of sentences gets before others give way for it
ELLIPSIS = "…"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column by name.

    priority: 0 always stays, 1 stays longest; columns of one rank go together
    fill: "path" takes what width is left and shortens its cells, "text" does and wraps them; empty: as wide
          as its widest cell
    """

    name: str
    priority: int = 0
    fill: str = ""
    is_right_aligned: bool = False


def get_terminal_width() -> int | None:
    """Cells in a line of the terminal; None where standard output is none: then nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def format_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None, notes: Sequence[str] = ()
) -> list[str]:
    """The lines of a table with a header; `notes` has a text to stand under each row, wrapped.

    A width of None shows every cell whole.
    """
    names = [column.name for column in columns]
    cells = [list(column) for column in zip(names, *rows, strict=True)]
    shown, widths = _fit_columns(columns, [max(map(cell_len, one)) for one in cells], width)
    parts = [_format_cells(columns[at], cells[at], widths[at], width is not None) for at in shown]
    lines: list[str] = []
    for number, row in enumerate(zip(*parts, strict=True)):
        for line in range(max(map(len, row))):
            texts = (part[line] if line < len(part) else "" for part in row)
            padded = (
                _pad_cell(text, widths[at], columns[at].is_right_aligned)
                for text, at in zip(texts, shown, strict=True)
            )
            lines.append(COLUMN_GAP.join(padded).rstrip())
        if number and notes and notes[number - 1]:
            lines += indent_text(notes[number - 1], 4, width)
    return [click.style(lines[0], bold=True), *lines[1:]] if width is not None else lines


def indent_text(text: str, indent: int, width: int | None) -> list[str]:
    """The text in lines of at most `width` cells, all but its own indent to be had by words."""
    room = None if width is None else max(width - indent, 8)
    return [" " * indent + line for line in wrap_text(text, room)]


def wrap_text(text: str, width: int | None) -> list[str]:
    """The text in lines of at most `width` cells, broken between words where it can be."""
    if width is None or cell_len(text) <= width:
        return [text]
    found = Text(text).wrap(Console(width=width), width)
    return [line.plain.rstrip() for line in found]


def shorten_paths(paths: Sequence[str], width: int) -> list[str]:
    """Paths in at most `width` cells, cut from the left; where two would read alike, what differs stays."""
    short = [_shorten_path(path, width) for path in paths]
    alike: dict[str, set[str]] = defaultdict(set)
    for path, text in zip(paths, short, strict=True):
        alike[text].add(path)
    return [
        _shorten_ambiguous_path(path, alike[text], width) if len(alike[text]) > 1 else text
        for path, text in zip(paths, short, strict=True)
    ]


def _shorten_path(path: str, width: int) -> str:
    """The end of a path from a folder on; of a name too long for that its beginning and its end."""
    if cell_len(path) <= width:
        return path
    parts = PurePath(path).parts
    for first in range(1, len(parts)):
        text = "/".join((ELLIPSIS, *parts[first:]))
        if cell_len(text) <= width:
            return text
    return _cut_middle(parts[-1], width)


def _shorten_ambiguous_path(path: str, others: Iterable[str], width: int) -> str:
    """The first folder in which paths differ, and the name."""
    parts = PurePath(path).parts
    columns = zip(*(PurePath(other).parts for other in others), strict=False)
    differs = next((at for at, column in enumerate(columns) if len(set(column)) > 1), len(parts) - 1)
    if differs >= len(parts) - 1:
        return _cut_middle(parts[-1], width)
    folder = _cut_middle(parts[differs], max(width // 3, 3))
    rest = _cut_middle(parts[-1], max(width - cell_len(folder) - 3, 3))
    return _cut_middle(f"{folder}/{ELLIPSIS}/{rest}", width)


def _cut_middle(text: str, width: int) -> str:
    """Beginning and end of a text, the longer part being the end: it has the ending of a file's name."""
    if cell_len(text) <= width:
        return text
    end = max((width - 1) * 2 // 3, min(width - 1, 8))
    return _take_head(text, width - 1 - end) + ELLIPSIS + _take_head(text[::-1], end)[::-1]


def _take_head(text: str, width: int) -> str:
    taken = 0
    for at, character in enumerate(text):
        taken += cell_len(character)
        if taken > width:
            return text[:at]
    return text


def _fit_columns(
    columns: Sequence[Column], full_widths: list[int], width: int | None
) -> tuple[list[int], list[int]]:
    """Which columns are shown, and the width of each."""
    shown = list(range(len(columns)))
    if width is None:
        return shown, full_widths
    least = [
        min(wide, MIN_FILL_WIDTH) if column.fill else wide
        for column, wide in zip(columns, full_widths, strict=True)
    ]
    while _compute_line_width(least, shown) > width and (last := max(columns[at].priority for at in shown)):
        shown = [at for at in shown if columns[at].priority != last]
    widths, left = list(least), width - _compute_line_width(least, shown)
    for number, at in enumerate(filling := [at for at in shown if columns[at].fill]):
        share = left // (len(filling) - number)
        widths[at] = max(min(full_widths[at], widths[at] + share), 4)
        left -= widths[at] - least[at]
    return shown, widths


def _compute_line_width(widths: Sequence[int], visible: Sequence[int]) -> int:
    return sum(widths[at] for at in visible) + len(COLUMN_GAP) * (len(visible) - 1)


def _format_cells(column: Column, cells: Sequence[str], width: int, is_limited: bool) -> list[list[str]]:
    """The lines of each cell."""
    if is_limited and column.fill == "path":
        return [[text] for text in (cells[0], *shorten_paths(cells[1:], width))]
    if is_limited and column.fill == "text":
        return [wrap_text(text, width) for text in cells]
    return [[text] for text in cells]


def _pad_cell(text: str, width: int, is_right_aligned: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if is_right_aligned else text + space

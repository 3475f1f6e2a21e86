"""Which columns of a CSV file are the readings of which modality."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from encoders import AffectError, to_printable

SEPARATORS = "._-:/ "  # between the name of a modality and that of its column
MAX_COLUMNS_LISTED = 20


@dataclass(frozen=True, kw_only=True)
class ColumnChoice:
    """Columns that a user has named; without source and target they are found by their prefixes.

    source, target: names of the columns of both modalities
    group: name of the column of groups
    """

    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    group: str = ""

    def __post_init__(self) -> None:
        """Raises AffectError unless both modalities are named, and no column twice."""
        if bool(self.source) != bool(self.target):
            raise AffectError("--a and --b go together: the columns of one modality and those of the other")
        names = (*self.source, *self.target)
        if repeated := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise AffectError(f"--a and --b: {', '.join(repeated)} is named twice")


@dataclass(frozen=True, kw_only=True)
class Block:
    """Readings of one modality: positions of its columns in the file, and their names without the prefix."""

    positions: tuple[int, ...]
    columns: tuple[str, ...]


def find_blocks(path: Path, header: Sequence[str], choice: ColumnChoice) -> dict[str, Block]:
    """The columns by modality. Raises AffectError for a file without them."""
    named = [*choice.source, *choice.target, *([choice.group] if choice.group else [])]
    if unknown := [name for name in named if name not in header]:
        raise AffectError(f"{to_printable(path)}: no column {', '.join(unknown)}; {_list_columns(header)}")
    if choice.source:
        names = split_block_names(choice.source, choice.target)
        return {
            modality: Block(positions=tuple(header.index(name) for name in chosen), columns=columns)
            for (modality, columns), chosen in zip(names, (choice.source, choice.target), strict=True)
        }
    blocks = _find_prefixed_blocks(header)
    if len(blocks) < 2:
        raise AffectError(
            f"{to_printable(path)}: two or more blocks of columns are needed, such as a.valence, a.arousal, "
            f"b.valence, b.arousal, or columns named by --a and --b; {_list_columns(header)}"
        )
    return blocks


def split_block_names(
    source: Sequence[str], target: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]]:
    """(modality, columns) of source and target, from a common prefix or suffix up to a separator.

    rater1_valence, rater1_arousal are valence and arousal of rater1. Without such names the modalities are
    called a and b.
    """
    for split in (_split_prefix, _split_suffix):
        blocks = (split(source), split(target))
        if all(modality and all(columns) for modality, columns in blocks) and blocks[0][0] != blocks[1][0]:
            return blocks
    return ("a", tuple(source)), ("b", tuple(target))


def _find_prefixed_blocks(header: Sequence[str]) -> dict[str, Block]:
    """Blocks by the part of the name before the last dot."""
    positions: dict[str, list[int]] = {}
    for at, name in enumerate(header):
        if "." in name:
            positions.setdefault(name.rpartition(".")[0], []).append(at)
    return {
        prefix: Block(positions=tuple(found), columns=tuple(header[at].rpartition(".")[2] for at in found))
        for prefix, found in positions.items()
    }


def _split_prefix(names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    ends = [match.end() for match in re.finditer(f"[{re.escape(SEPARATORS)}]", names[0])]
    length = max((end for end in ends if len({name[:end] for name in names}) == 1), default=0)
    return names[0][:length].rstrip(SEPARATORS), tuple(name[length:] for name in names)


def _split_suffix(names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    modality, columns = _split_prefix([name[::-1] for name in names])
    return modality[::-1], tuple(column[::-1] for column in columns)


def _list_columns(header: Sequence[str]) -> str:
    shown = ", ".join(to_printable(name) or '""' for name in header[:MAX_COLUMNS_LISTED])
    return f"columns: {shown}" + (", ..." if len(header) > MAX_COLUMNS_LISTED else "")

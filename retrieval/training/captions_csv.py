"""Captions of a user's own media: a CSV file with the columns media, caption and, if wanted, split, group."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from encoders import AffectError, read_text, to_printable
from retrieval.storage import find_on_disk

SPLIT_ALIASES = {"training": "train", "val": "dev", "valid": "dev", "validate": "dev", "validation": "dev"}
REQUIRED_COLUMNS = ("media", "caption")


@dataclass(frozen=True, kw_only=True)
class CaptionedFile:
    """A medium (its name in the table), its file, captions, split and group."""

    name: str
    path: Path
    captions: tuple[str, ...]
    split: str
    group: str


def read_csv_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file with a header. Raises AffectError if it is not there, or no such file."""
    if not path.is_file():
        raise AffectError(
            f"{to_printable(path)}: {'a folder, no CSV file' if path.is_dir() else 'no such file'}"
        )
    try:
        yield from csv.DictReader(io.StringIO(read_text(path), newline=""))
    except (OSError, ValueError, csv.Error) as bad:
        raise AffectError(f"{to_printable(path)}: not a CSV file in UTF-8 ({bad})") from bad


def read_captions(path: Path) -> list[CaptionedFile]:
    """Media and their captions, several rows a medium; paths are relative to the table.

    Whether a file is there is not looked at: its library may know it all the same. Raises AffectError naming
    the line that can't be used.
    """
    rows = list(read_csv_rows(path))
    if lacking := [column for column in REQUIRED_COLUMNS if not rows or column not in rows[0]]:
        missing = f"no column {', '.join(lacking)}" if rows else "no rows"
        raise AffectError(
            f"{to_printable(path)}: {missing}; needed: media, caption (and split: train, dev, test)"
        )
    captions_by_medium: dict[str, list[str]] = {}
    split_and_group_by_medium: dict[str, tuple[str, str]] = {}
    for line, row in enumerate(rows, start=2):
        medium, caption = (row[column] or "" for column in REQUIRED_COLUMNS)
        split = (row.get("split") or "train").strip().lower()
        split_and_group = SPLIT_ALIASES.get(split, split), row.get("group") or ""
        if not medium or not caption.strip():
            raise AffectError(f"{to_printable(path)}: line {line} has no {'caption' if medium else 'media'}")
        if split_and_group_by_medium.setdefault(medium, split_and_group) != split_and_group:
            raise AffectError(f"{to_printable(path)}: line {line} puts {medium} into another split or group")
        captions_by_medium.setdefault(medium, []).append(caption.strip())
    return [
        CaptionedFile(
            name=name,
            path=find_on_disk(path.parent / name),
            captions=tuple(captions),
            split=split_and_group_by_medium[name][0],
            group=split_and_group_by_medium[name][1],
        )
        for name, captions in captions_by_medium.items()
    ]

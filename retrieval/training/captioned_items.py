"""Which items of a library a table of captions is about, and which of its files are not there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders import AffectError, to_printable
from retrieval.provenance import digest_captions
from retrieval.storage import Library
from retrieval.training.captions_csv import CaptionedFile

MAX_NAMES_SHOWN = 5  # files, before a list is cut short


@dataclass(frozen=True, kw_only=True)
class CaptionedItems:
    """Items of a library with their captions, and the files without an item by their names in the table.

    item_ids:   (n,) ids
    captions:   (n,) what is said of each
    groups:     (n,) what belongs together
    not_indexed: files that are not in the library
    unreadable: files that could not be read when they were indexed
    duplicates: files with the content of another captioned file: that file's name and this one's
    test_files: files of the split "test", which are not looked at
    """

    item_ids: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    not_indexed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    test_files: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of ids (of the files' content), captions and groups."""
        return digest_captions(zip(self.item_ids, self.captions, self.groups, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Everything that was left out or joined, as printed by `affect train --json`."""
        return {
            "absent": list(self.not_indexed), "unreadable": list(self.unreadable),
            "copies": [{"file": copy, "same_as": first} for first, copy in self.duplicates],
            "test_split": len(self.test_files),
        }  # fmt: skip

    def format_messages(self) -> list[str]:
        """A line for each kind of file that was left out or joined, with the first names."""
        copies = [f"{copy} (as {first})" for first, copy in self.duplicates]
        kinds = (
            (self.not_indexed, "not in the library, left out"),
            (self.unreadable, "could not be read when indexed, left out"),
            (copies, "the same content as another captioned file, captions joined"),
        )
        messages = [
            f"{format_file_count(names)}: {why}: {format_first_names(names)}" for names, why in kinds if names
        ]
        return (
            [*messages, f"{format_file_count(self.test_files)}: in the split test, left out"]
            if self.test_files
            else messages
        )


def match_captions(library: Library, captioned_files: Sequence[CaptionedFile]) -> CaptionedItems:
    """The items that a table of captions is about. Raises AffectError where it is about none.

    A file is found by its path as named, or else by where that leads to through symlinks.
    """
    known = library.catalog.load_files()
    followed = {path.resolve(): entry for path, entry in known.items()}
    captions: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    first: dict[str, str] = {}  # item -> the name in the table that it was first found by
    absent, unreadable, copies = [], [], []
    for one in (one for one in captioned_files if one.split != "test"):
        named = Path(os.path.abspath(one.path))  # noqa: PTH100 - a symlink stays the name given
        entry = known.get(named) or followed.get(named.resolve())
        if entry is None:
            absent.append(one.name)
        elif entry.item_id is None:
            unreadable.append(one.name)
        else:
            if entry.item_id in first:
                copies.append((first[entry.item_id], one.name))
            first.setdefault(entry.item_id, one.name)
            captions.setdefault(entry.item_id, []).extend(one.captions)
            groups.setdefault(entry.item_id, one.group or entry.item_id)
    found = CaptionedItems(
        item_ids=tuple(captions),
        captions=tuple(tuple(dict.fromkeys(said)) for said in captions.values()),
        groups=tuple(groups.values()),
        not_indexed=tuple(absent), unreadable=tuple(unreadable), duplicates=tuple(copies),
        test_files=tuple(one.name for one in captioned_files if one.split == "test"),
    )  # fmt: skip
    if not captions:
        messages = "; ".join(found.format_messages()) or "the table names none"
        where = to_printable(library.folder)
        raise AffectError(f"none of the captioned files is in {where}; index their folder first ({messages})")
    return found


def format_file_count(names: Sequence[object]) -> str:
    """Such as "1 captioned file" or "12 captioned files"."""
    return f"{len(names)} captioned file{'' if len(names) == 1 else 's'}"


def format_first_names(names: Sequence[str], limit: int = MAX_NAMES_SHOWN) -> str:
    """The first names, safe on a terminal, and how many more there are."""
    shown = ", ".join(to_printable(name) for name in names[:limit])
    more = len(names) - limit
    return f"{shown} ... and {more} more" if more > 0 else shown

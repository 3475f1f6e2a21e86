"""Which items of a library a table of captions is about, and which of its files are not there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders.base import AffectError, printable
from retrieval.storage.library import Library
from retrieval.training.captions_csv import Told

NAMED = 5  # files, before a list is cut short


@dataclass(frozen=True, kw_only=True)
class CaptionedItems:
    """Items of a library with their captions, and the files without an item by their names in the table.

    items:      (n,) ids
    captions:   (n,) what is said of each
    groups:     (n,) what belongs together
    absent:     files that are not in the library
    unreadable: files that could not be read when they were indexed
    copies:     files with the content of another captioned file: that file's name and this one's
    testing:    files of the split "test", which are not looked at
    """

    items: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    absent: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    testing: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Everything that was left out or joined, as printed by `affect train --json`."""
        return {
            "absent": list(self.absent), "unreadable": list(self.unreadable),
            "copies": [{"file": copy, "same_as": first} for first, copy in self.copies],
            "test_split": len(self.testing),
        }  # fmt: skip

    def messages(self) -> list[str]:
        """A line for each kind of file that was left out or joined, with the first names."""
        copies = [f"{copy} (as {first})" for first, copy in self.copies]
        kinds = (
            (self.absent, "not in the library, left out"),
            (self.unreadable, "could not be read when indexed, left out"),
            (copies, "the same content as another captioned file, captions joined"),
        )
        told = [f"{count_files(names)}: {why}: {name_first(names)}" for names, why in kinds if names]
        return [*told, f"{count_files(self.testing)}: in the split test, left out"] if self.testing else told


def match_captions(library: Library, table: Sequence[Told]) -> CaptionedItems:
    """The items that a table of captions is about. Raises AffectError where it is about none.

    A file is found by its path as named, or else by where that leads to through symlinks.
    """
    known = library.catalog.known()
    followed = {path.resolve(): entry for path, entry in known.items()}
    captions: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    first: dict[str, str] = {}  # item -> the name in the table that it was first found by
    absent, unreadable, copies = [], [], []
    for one in (one for one in table if one.split != "test"):
        named = Path(os.path.abspath(one.path))  # noqa: PTH100 - a symlink stays the name given
        entry = known.get(named) or followed.get(named.resolve())
        if entry is None:
            absent.append(one.name)
        elif entry.item is None:
            unreadable.append(one.name)
        else:
            if entry.item in first:
                copies.append((first[entry.item], one.name))
            first.setdefault(entry.item, one.name)
            captions.setdefault(entry.item, []).extend(one.captions)
            groups.setdefault(entry.item, one.group or entry.item)
    found = CaptionedItems(
        items=tuple(captions),
        captions=tuple(tuple(dict.fromkeys(said)) for said in captions.values()),
        groups=tuple(groups.values()),
        absent=tuple(absent), unreadable=tuple(unreadable), copies=tuple(copies),
        testing=tuple(one.name for one in table if one.split == "test"),
    )  # fmt: skip
    if not captions:
        told = "; ".join(found.messages()) or "the table names none"
        where = printable(library.folder)
        raise AffectError(f"none of the captioned files is in {where}; index their folder first ({told})")
    return found


def count_files(names: Sequence[object]) -> str:
    """Such as "1 captioned file" or "12 captioned files"."""
    return f"{len(names)} captioned file{'' if len(names) == 1 else 's'}"


def name_first(names: Sequence[str], shown: int = NAMED) -> str:
    """The first names, safe on a terminal, and how many more there are."""
    told = ", ".join(printable(name) for name in names[:shown])
    more = len(names) - shown
    return f"{told} ... and {more} more" if more > 0 else told

"""Which files a library is to hold: a walk that no loop, no locked folder and no odd name can stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from encoders.base import AffectError, printable
from encoders.media import looks_like_media

Refused = Callable[[Path, str], None]


def media_files(roots: Iterable[Path], refused: Refused, leave_out: Path) -> Iterator[Path]:
    """Absolute paths of media files below the roots, in order of name; hidden ones are left out.

    A file named as a root is always given, whatever it looks like. `refused(path, why)` is told of folders
    and files that can't be read; `leave_out` (the library itself) is not entered.
    Raises AffectError for a root that does not exist: a disk that is not mounted must not empty a library.
    """
    for root in roots:
        path = Path(os.path.abspath(root))  # noqa: PTH100 - a symlink stays the name the user gave
        if not path.exists():
            raise AffectError(f"{printable(root)}: no such file or folder")
        if path.is_dir():
            yield from _below(path, refused, leave_out, set())
        else:
            yield path


def _below(folder: Path, refused: Refused, leave_out: Path, above: set[tuple[int, int]]) -> Iterator[Path]:
    try:
        stat = folder.stat()
        here = (stat.st_dev, stat.st_ino)
        if here in above or folder == leave_out:  # a link to a folder above is a loop
            return
        entries = sorted(folder.iterdir())
    except OSError as bad:
        refused(folder, reason(bad))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _below(entry, refused, leave_out, above | {here})
        elif _wanted(entry, refused):
            yield entry


def _wanted(path: Path, refused: Refused) -> bool:
    try:
        return looks_like_media(path) and (path.is_file() or _dangling(path, refused))
    except OSError as bad:
        refused(path, reason(bad))
        return False


def _dangling(path: Path, refused: Refused) -> bool:
    if path.is_symlink():
        refused(path, "the link leads nowhere, or to itself")
    return False  # a pipe, socket or device is no media and is passed over


def reason(bad: OSError) -> str:
    """An OSError in a few words."""
    return (bad.strerror or str(bad)).lower()

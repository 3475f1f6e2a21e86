"""Which files a library is to hold: a walk that no loop, no locked folder and no odd name can stop."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from pathlib import Path

from encoders.base import AffectError, printable
from encoders.media import looks_like_media

Refused = Callable[[Path, str], None]
Place = tuple[int, int]  # what is the same for all paths of a folder
_NOWHERE = {errno.ENOENT, errno.ELOOP}
_LINK = "the link leads nowhere, or to itself"


def media_files(
    roots: Iterable[Path], refused: Refused, leave_out: Path, known: Container[Path] = ()
) -> Iterator[Path]:
    """Absolute paths of media files below the roots, each once; hidden ones are left out.

    A file named as a root is always given, whatever it looks like; one that is `known` is not looked into.
    A folder is entered once, whatever links lead to it. `refused(path, why)` is told of folders and files
    that can't be read; `leave_out` (the library itself) is not entered.
    Raises AffectError for a root that does not exist: a disk that is not mounted must not empty a library.
    """
    wanted = partial(_wanted, refused=refused, known=known)
    seen: set[Place] = {place} if (place := _place(leave_out)) else set()
    files, folders = _sorted_out(roots)
    yield from files
    links: deque[Path] = deque()
    for root in folders:
        yield from _below(root, wanted, refused, seen, links)
    while links:  # links last, so that a file is known by its own path if it has one here
        yield from _below(links.popleft(), wanted, refused, seen, links)


def _sorted_out(roots: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Absolute files and folders among the roots."""
    files: list[Path] = []
    folders: list[Path] = []
    for root in dict.fromkeys(roots):
        path = Path(os.path.abspath(root))  # noqa: PTH100 - a symlink stays the name the user gave
        try:
            (folders if stat.S_ISDIR(path.stat().st_mode) else files).append(path)
        except OSError as bad:
            raise AffectError(f"{printable(root)}: {reason(bad)}") from bad
    return files, folders


def _place(folder: Path) -> Place | None:
    """Where a folder is; None if it is gone. Raises OSError."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _below(
    top: Path,
    wanted: Callable[[Path], bool],
    refused: Refused,
    seen: set[Place],
    links: deque[Path],
) -> Iterator[Path]:
    """Media files below a folder, in order of name; links to folders are put off to `links`."""
    stack = [top]
    while stack:
        folder = stack.pop()
        try:
            place = _place(folder)
            entries = [] if place is None or place in seen else _entries(folder)
        except OSError as bad:
            refused(folder, reason(bad))
            continue
        if place is not None:
            seen.add(place)
        within = []
        for path, is_folder, is_link in entries:
            if not is_folder:
                if wanted(path):
                    yield path
            elif is_link:
                links.append(path)
            else:
                within.append(path)
        stack += reversed(within)


def _entries(folder: Path) -> list[tuple[Path, bool, bool]]:
    """(path, leads to a folder, is a link) of what is not hidden, in order of name. Raises OSError."""
    with os.scandir(folder) as found:
        return sorted(
            (folder / entry.name, _is_folder(entry), entry.is_symlink())
            for entry in found
            if not entry.name.startswith(".")
        )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of links, or a link into a locked folder
        return False


def _wanted(path: Path, refused: Refused, known: Container[Path]) -> bool:
    try:
        if path in known or looks_like_media(path):
            return _is_file(path)
    except OSError as bad:
        refused(path, _LINK if bad.errno in _NOWHERE and path.is_symlink() else reason(bad))
    return False


def _is_file(path: Path) -> bool:
    """Whether it is a plain file; a pipe, socket or device is no media. Raises OSError."""
    return stat.S_ISREG(path.stat().st_mode)


def reason(bad: OSError) -> str:
    """An OSError in a few words."""
    return (bad.strerror or str(bad)).lower()

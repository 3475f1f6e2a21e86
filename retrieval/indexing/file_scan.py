"""Which files a library is to hold: a walk that no loop, no locked folder and no odd name can stop."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from encoders.base import AffectError, printable
from encoders.media import looks_like_media
from encoders.media.format_detection import name_kind
from retrieval.indexing.exclusions import Exclusions

Refused = Callable[[Path, str], None]
Place = tuple[int, int]  # what is the same for all paths of a folder
_NOWHERE = {errno.ENOENT, errno.ELOOP}
_LINK = "the link leads nowhere, or to itself"


@dataclass(kw_only=True)
class PassedOver:
    """What a scan did not take: how often by pattern of exclusion, how many other files by kind."""

    excluded: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)


def media_files(
    roots: Iterable[Path],
    refused: Refused,
    leave_out: Path,
    known: Container[Path] = (),
    *,
    exclusions: Exclusions | None = None,
    passed_over: PassedOver | None = None,
) -> Iterator[Path]:
    """Absolute paths of media files below the roots, each once; hidden and excluded ones are left out.

    A file named as a root is always given, whatever it looks like; one that is `known` is not looked into.
    A folder is entered once, whatever links lead to it. `refused(path, why)` is told of folders and files
    that can't be read; `leave_out` (the library itself) is not entered; `passed_over` counts what is left.
    Raises AffectError for a root that does not exist: a disk that is not mounted must not empty a library.
    """
    files, folders = _sorted_out(roots)
    yield from files
    walk = _Walk(refused, known, exclusions or Exclusions(), passed_over or PassedOver())
    if place := _place(leave_out):
        walk.seen.add(place)
    for root in folders:
        yield from walk.below(root, root)
    while walk.links:  # links last, so that a file is known by its own path if it has one here
        yield from walk.below(*walk.links.popleft())


def absolute(path: Path | str) -> Path:
    """A path from the root of the file system; a symbolic link in it stays the name the user gave."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def quoted(path: Path) -> str:
    """A path as part of a command to copy."""
    return shlex.quote(printable(path))


def _sorted_out(roots: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Absolute files and folders among the roots."""
    files: list[Path] = []
    folders: list[Path] = []
    for root in dict.fromkeys(roots):
        path = absolute(root)
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


class _Walk:
    """The state of one scan: folders entered so far, links to folders that are still to be followed."""

    def __init__(
        self, refused: Refused, known: Container[Path], exclusions: Exclusions, passed_over: PassedOver
    ) -> None:
        self.seen: set[Place] = set()
        self.links: deque[tuple[Path, Path]] = deque()  # and the root each was found below
        self._refused, self._known = refused, known
        self._exclusions, self._passed_over = exclusions, passed_over

    def below(self, top: Path, root: Path) -> Iterator[Path]:
        """Media files below a folder, in order of name; links to folders are put off to `links`."""
        stack = [top]
        while stack:
            within = []
            for path, is_folder, is_link in self._entered(stack.pop()):
                if self._is_excluded(path, root, is_folder=is_folder):
                    continue
                if not is_folder:
                    if self._is_wanted(path):
                        yield path
                elif is_link:
                    self.links.append((path, root))
                else:
                    within.append(path)
            stack += reversed(within)

    def _entered(self, folder: Path) -> list[tuple[Path, bool, bool]]:
        """What a folder holds; nothing if it was entered before, is gone or can't be read."""
        try:
            place = _place(folder)
            if place is None or place in self.seen:
                return []
            entries = _entries(folder)
        except OSError as bad:
            self._refused(folder, reason(bad))
            return []
        self.seen.add(place)
        return entries

    def _is_excluded(self, path: Path, root: Path, *, is_folder: bool) -> bool:
        pattern = self._exclusions.match(path, root, is_folder=is_folder)
        if pattern is not None:
            self._passed_over.excluded[pattern] += 1
        return pattern is not None

    def _is_wanted(self, path: Path) -> bool:
        """Whether it is media and a plain file; a pipe, socket or device is none."""
        try:
            if path in self._known or looks_like_media(path):
                return stat.S_ISREG(path.stat().st_mode)
            if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a folder can't be entered
                self._passed_over.kinds[name_kind(path)] += 1
        except OSError as bad:
            self._refused(path, _LINK if bad.errno in _NOWHERE and path.is_symlink() else reason(bad))
        return False


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


def reason(bad: OSError) -> str:
    """An OSError in a few words."""
    return (bad.strerror or str(bad)).lower()

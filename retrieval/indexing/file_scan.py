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

from encoders import AffectError, to_printable
from encoders.media import get_extension_label, looks_like_media
from retrieval.indexing.exclusions import Exclusions

ErrorCallback = Callable[[Path, str], None]
FolderId = tuple[int, int]  # what is the same for all paths of a folder
_BROKEN_LINK_ERRNOS = {errno.ENOENT, errno.ELOOP}
_BROKEN_LINK_REASON = "the link leads nowhere, or to itself"


@dataclass(kw_only=True)
class SkipCounts:
    """What a scan did not take: how often by pattern of exclusion, how many other files by kind."""

    excluded: Counter[str] = field(default_factory=Counter)
    non_media: Counter[str] = field(default_factory=Counter)


def find_media_files(
    roots: Iterable[Path],
    on_error: ErrorCallback,
    skip_folder: Path,
    known_paths: Container[Path] = (),
    *,
    exclusions: Exclusions | None = None,
    skip_counts: SkipCounts | None = None,
) -> Iterator[Path]:
    """Absolute paths of media files below the roots, each once; hidden and excluded ones are left out.

    A file named as a root is always given, whatever it looks like; one that is `known_paths` is not looked
    into. A folder is entered once, whatever links lead to it. `refused(path, why)` is told of folders and
    files that can't be read; `skip_folder` (the library itself) is not entered; `skip_counts` counts what
    is left. Raises AffectError for a root that does not exist: a disk that is not mounted must not empty a
    library.
    """
    files, folders = _split_roots(roots)
    yield from files
    walk = _FolderWalker(on_error, known_paths, exclusions or Exclusions(), skip_counts or SkipCounts())
    if place := _get_folder_id(skip_folder):
        walk.visited.add(place)
    for root in folders:
        yield from walk.walk(root, root)
    while walk.pending_links:  # links last, so that a file is known by its own path if it has one here
        yield from walk.walk(*walk.pending_links.popleft())


def make_absolute(path: Path | str) -> Path:
    """A path from the root of the file system; a symbolic link in it stays the name the user gave."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def quote_path(path: Path) -> str:
    """A path as part of a command to copy."""
    return shlex.quote(to_printable(path))


def _split_roots(roots: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Absolute files and folders among the roots."""
    files: list[Path] = []
    folders: list[Path] = []
    for root in dict.fromkeys(roots):
        path = make_absolute(root)
        try:
            (folders if stat.S_ISDIR(path.stat().st_mode) else files).append(path)
        except OSError as bad:
            raise AffectError(f"{to_printable(root)}: {describe_os_error(bad)}") from bad
    return files, folders


def _get_folder_id(folder: Path) -> FolderId | None:
    """Where a folder is; None if it is gone. Raises OSError."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class _FolderWalker:
    """The state of one scan: folders entered so far, links to folders that are still to be followed."""

    def __init__(
        self,
        on_error: ErrorCallback,
        known_paths: Container[Path],
        exclusions: Exclusions,
        skip_counts: SkipCounts,
    ) -> None:
        self.visited: set[FolderId] = set()
        self.pending_links: deque[tuple[Path, Path]] = deque()  # and the root each was found below
        self._on_error, self._known_paths = on_error, known_paths
        self._exclusions, self._skip_counts = exclusions, skip_counts

    def walk(self, folder: Path, root: Path) -> Iterator[Path]:
        """Media files below a folder, in order of name; links to folders are put off to `links`."""
        stack = [folder]
        while stack:
            within = []
            for path, is_folder, is_link in self._enter_folder(stack.pop()):
                if self._is_excluded(path, root, is_folder=is_folder):
                    continue
                if not is_folder:
                    if self._is_media_file(path):
                        yield path
                elif is_link:
                    self.pending_links.append((path, root))
                else:
                    within.append(path)
            stack += reversed(within)

    def _enter_folder(self, folder: Path) -> list[tuple[Path, bool, bool]]:
        """What a folder holds; nothing if it was entered before, is gone or can't be read."""
        try:
            place = _get_folder_id(folder)
            if place is None or place in self.visited:
                return []
            entries = _list_entries(folder)
        except OSError as bad:
            self._on_error(folder, describe_os_error(bad))
            return []
        self.visited.add(place)
        return entries

    def _is_excluded(self, path: Path, root: Path, *, is_folder: bool) -> bool:
        pattern = self._exclusions.find_match(path, root, is_folder=is_folder)
        if pattern is not None:
            self._skip_counts.excluded[pattern] += 1
        return pattern is not None

    def _is_media_file(self, path: Path) -> bool:
        """Whether it is media and a plain file; a pipe, socket or device is none."""
        try:
            if path in self._known_paths or looks_like_media(path):
                return stat.S_ISREG(path.stat().st_mode)
            if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a folder can't be entered
                self._skip_counts.non_media[get_extension_label(path)] += 1
        except OSError as bad:
            self._on_error(
                path,
                _BROKEN_LINK_REASON
                if bad.errno in _BROKEN_LINK_ERRNOS and path.is_symlink()
                else describe_os_error(bad),
            )
        return False


def _list_entries(folder: Path) -> list[tuple[Path, bool, bool]]:
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


def describe_os_error(error: OSError) -> str:
    """An OSError in a few words."""
    return (error.strerror or str(error)).lower()

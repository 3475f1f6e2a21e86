"""Scan for media files, robust against link loops, unreadable folders and invalid names."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from encoders import AffectError, describe_os_error, to_printable
from encoders.media import get_extension_label, looks_like_media
from retrieval.indexing.exclusions import Exclusions

ErrorCallback = Callable[[Path, str], None]
FolderId = tuple[int, int]  # device and inode, equal for all paths of a folder
_BROKEN_LINK_ERRNOS = {errno.ENOENT, errno.ELOOP}
_BROKEN_LINK_REASON = "the link leads nowhere, or to itself"


@dataclass(kw_only=True)
class SkipCounts:
    """Counts of skipped files and folders: excluded ones by pattern, files of other types by extension."""

    excluded: Counter[str] = field(default_factory=Counter)
    non_media: Counter[str] = field(default_factory=Counter)


def find_media_files(
    roots: Iterable[Path],
    on_error: ErrorCallback,
    skip_folder: Path | None,
    known_paths: Container[Path] = (),
    *,
    exclusions: Exclusions | None = None,
    skip_counts: SkipCounts | None = None,
) -> Iterator[Path]:
    """Yield absolute paths of media files below the roots, each once, without hidden and excluded ones.

    on_error:    called with the path and the reason for folders and files that can't be read
    skip_folder: folder that is not entered: the library itself, if it is in one
    known_paths: files taken as media without opening them
    skip_counts: updated with the counts of skipped files

    A root that is a file is always yielded. A folder is entered once, however many links lead to it. Raises
    AffectError for a root that does not exist: an unmounted disk must not empty a library.
    """
    files, folders = _split_roots(roots)
    yield from files
    walker = _FolderWalker(on_error, known_paths, exclusions or Exclusions(), skip_counts or SkipCounts())
    if skip_folder is not None and (folder_id := _get_folder_id(skip_folder)):
        walker.visited.add(folder_id)
    for root in folders:
        yield from walker.walk(root, root)
    while walker.pending_links:  # links last, so that a file keeps its real path if that is below a root
        yield from walker.walk(*walker.pending_links.popleft())


def make_absolute(path: Path | str) -> Path:
    """The absolute path, without resolving symbolic links."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve follows links


def quote_path(path: Path | str) -> str:
    """A path quoted for a shell command."""
    return shlex.quote(to_printable(path))


def _split_roots(roots: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Absolute paths of the roots that are files, and of those that are folders."""
    files: list[Path] = []
    folders: list[Path] = []
    for root in dict.fromkeys(roots):
        path = make_absolute(root)
        try:
            (folders if stat.S_ISDIR(path.stat().st_mode) else files).append(path)
        except OSError as error:
            raise AffectError(f"{to_printable(root)}: {describe_os_error(error)}") from error
    return files, folders


def _get_folder_id(folder: Path) -> FolderId | None:
    """Device and inode of a folder; None if it does not exist. Raises OSError."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


class _FolderWalker:
    """The state of one scan: visited folders, and links to folders still to be followed."""

    def __init__(
        self,
        on_error: ErrorCallback,
        known_paths: Container[Path],
        exclusions: Exclusions,
        skip_counts: SkipCounts,
    ) -> None:
        self.visited: set[FolderId] = set()
        self.pending_links: deque[tuple[Path, Path]] = deque()  # links to folders, and their roots
        self._on_error, self._known_paths = on_error, known_paths
        self._exclusions, self._skip_counts = exclusions, skip_counts

    def walk(self, folder: Path, root: Path) -> Iterator[Path]:
        """Yield media files below a folder in order of name; links to folders go to `pending_links`."""
        stack = [folder]
        while stack:
            subfolders = []
            for path, is_folder, is_link in self._enter_folder(stack.pop()):
                if self._is_excluded(path, root, is_folder=is_folder):
                    continue
                if not is_folder:
                    if self._is_media_file(path):
                        yield path
                elif is_link:
                    self.pending_links.append((path, root))
                else:
                    subfolders.append(path)
            stack += reversed(subfolders)

    def _enter_folder(self, folder: Path) -> list[tuple[Path, bool, bool]]:
        """Entries of a folder; none if it was visited before, is absent or can't be read."""
        try:
            folder_id = _get_folder_id(folder)
            if folder_id is None or folder_id in self.visited:
                return []
            entries = _list_entries(folder)
        except OSError as error:
            self._on_error(folder, describe_os_error(error))
            return []
        self.visited.add(folder_id)
        return entries

    def _is_excluded(self, path: Path, root: Path, *, is_folder: bool) -> bool:
        pattern = self._exclusions.find_match(path, root, is_folder=is_folder)
        if pattern is not None:
            self._skip_counts.excluded[pattern] += 1
        return pattern is not None

    def _is_media_file(self, path: Path) -> bool:
        """Whether the path is a regular file of media; counts files of other types."""
        try:
            if path in self._known_paths or looks_like_media(path):
                return stat.S_ISREG(path.stat().st_mode)
            if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises where a folder can't be entered
                self._skip_counts.non_media[get_extension_label(path)] += 1
        except OSError as error:
            self._on_error(
                path,
                _BROKEN_LINK_REASON
                if error.errno in _BROKEN_LINK_ERRNOS and path.is_symlink()
                else describe_os_error(error),
            )
        return False


def _list_entries(folder: Path) -> list[tuple[Path, bool, bool]]:
    """(path, is a folder, is a link) of visible entries, in order of name. Raises OSError."""
    with os.scandir(folder) as entries:
        return sorted(
            (folder / entry.name, _is_folder(entry), entry.is_symlink())
            for entry in entries
            if not entry.name.startswith(".")
        )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link loop, or a link into an unreadable folder
        return False

"""Detection of files that are missing: deleted, moved, or on a disk that is not mounted.

A mount point without its disk is an empty or absent folder, like one whose files were deleted. So files count
as deleted only where most other files of their folder are still present.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIN_SUSPICIOUS_COUNT = 5  # missing files, if more than half of a folder, that suggest an unmounted disk
_MOUNTINFO_PATH = Path("/proc/self/mountinfo")
_OCTAL_ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, kw_only=True)
class MissingFiles:
    """A folder with missing files: how many of the library's files at or below it are missing."""

    folder: Path
    missing_count: int
    known_count: int

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect index --json` and `affect verify --json`."""
        return {"folder": str(self.folder), "missing": self.missing_count, "known": self.known_count}


def is_missing(path: Path) -> bool:
    """Whether no regular file is at a path; False if the path can't be accessed."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def is_empty(folder: Path) -> bool:
    """Whether a folder exists and is empty; False if it can't be accessed."""
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return False


def may_be_unmounted(path: Path, unmounted_folders: Collection[Path]) -> bool:
    """Whether a missing path is below an empty folder, a dangling link or one of these mount points."""
    nearest = next((folder for folder in path.parents if os.path.lexists(folder)), path)
    return (
        is_empty(nearest) or _is_dangling_link(nearest) or not {*path.parents}.isdisjoint(unmounted_folders)
    )


def find_suspicious_folders(
    known_paths: Iterable[Path],
    found_paths: Iterable[Path],
    missing_paths: Collection[Path],
    roots: Collection[Path],
    unmounted_folders: Collection[Path],
) -> list[MissingFiles]:
    """Folders at or below the roots whose missing files must stay in the library.

    known_paths: all files of the library below the roots, missing ones included
    found_paths: media files that exist, in the library or not
    missing_paths: files of the library that don't exist
    unmounted_folders: mount points when their files were indexed, but not now

    Of nested folders the top one is returned, narrowed to the subfolder that holds all its missing files.
    """
    known_counts, found_counts, missing_counts = (
        count_paths_by_folder(known_paths),
        count_paths_by_folder(found_paths),
        count_paths_by_folder(missing_paths),
    )
    candidates = {folder for folder in missing_counts if not {folder, *folder.parents}.isdisjoint(roots)}

    def is_suspicious(folder: Path) -> bool:
        if folder in unmounted_folders or (
            not found_counts[folder] and (folder in roots or _is_dangling_link(folder))
        ):
            return True
        became_empty = not found_counts[folder] and folder.is_dir()
        return missing_counts[folder] > 1 and (
            became_empty or MIN_SUSPICIOUS_COUNT <= missing_counts[folder] > known_counts[folder] / 2
        )

    flagged = {folder for folder in candidates if is_suspicious(folder)}
    top_folders = sorted(folder for folder in flagged if flagged.isdisjoint(folder.parents))
    return [
        MissingFiles(folder=lossy, missing_count=missing_counts[lossy], known_count=known_counts[lossy])
        for lossy in (_narrow_to_subfolder(top, found_counts, missing_counts) for top in top_folders)
    ]


def group_missing_by_folder(
    known_paths: Iterable[Path], missing_paths: Collection[Path]
) -> list[MissingFiles]:
    """Missing files grouped by their topmost absent or empty folder, else by the folder they are in."""
    known_counts, missing_counts = count_paths_by_folder(known_paths), count_paths_by_folder(missing_paths)
    absent_or_empty = {folder for folder in missing_counts if not folder.exists() or is_empty(folder)}
    folders = {
        min(
            absent_or_empty.intersection(path.parents),
            key=lambda ancestor: len(ancestor.parts),
            default=path.parent,
        )
        for path in missing_paths
    }
    return [
        MissingFiles(folder=folder, missing_count=missing_counts[folder], known_count=known_counts[folder])
        for folder in sorted(folders)
    ]


def count_paths_by_folder(paths: Iterable[Path]) -> Counter[Path]:
    """Number of paths at or below each of their folders."""
    counts: Counter[Path] = Counter()
    for folder, count in Counter(path.parent for path in paths).items():
        for ancestor in (folder, *folder.parents):
            counts[ancestor] += count
    return counts


def find_mount_points(roots: Iterable[Path], files: Iterable[Path]) -> set[Path]:
    """Mount points at or below the roots with files in or below them, as paths below the roots."""
    mount_points = _list_mount_points()
    if mount_points is None:
        return {folder for folder in count_paths_by_folder(files) if folder.is_mount()}
    resolved_roots = {root: root.resolve() for root in roots}
    mounts_below_roots = {
        root / mount.relative_to(resolved_root)
        for root, resolved_root in resolved_roots.items()
        for mount in mount_points
        if mount.is_relative_to(resolved_root)
    }
    return (
        mounts_below_roots & count_paths_by_folder(files).keys() if mounts_below_roots else mounts_below_roots
    )


def is_mount_point(folder: Path) -> bool:
    """Whether a folder is a mount point now."""
    mount_points = _list_mount_points()
    return folder.is_mount() if mount_points is None else folder.resolve() in mount_points


def _list_mount_points() -> set[Path] | None:
    """All mount points listed by the kernel; None on systems other than Linux.

    The fallback, `Path.is_mount`, does not detect bind mounts within one disk.
    """
    try:
        lines = _MOUNTINFO_PATH.read_bytes().splitlines()
    except OSError:
        return None
    return {Path(_unescape_octal(line.split()[4])) for line in lines}


def _unescape_octal(name: bytes) -> str:
    return os.fsdecode(_OCTAL_ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), name))


def _is_dangling_link(folder: Path) -> bool:
    """Whether it is a link whose target is missing, such as one to an unmounted disk."""
    return folder.is_symlink() and not os.path.exists(folder)  # noqa: PTH110 - Path.exists may raise


def _narrow_to_subfolder(
    top_folder: Path, found_counts: Counter[Path], missing_counts: Counter[Path]
) -> Path:
    """The deepest subfolder with all missing files of `top_folder`, if `top_folder` still has other files."""
    while found_counts[top_folder]:
        subfolders = [folder for folder in missing_counts if folder.parent == top_folder]
        if len(subfolders) != 1 or missing_counts[subfolders[0]] != missing_counts[top_folder]:
            break
        top_folder = subfolders[0]
    return top_folder


def measure_folder_bytes(folder: Path) -> int:
    """Total size of all files below a folder; a file deleted meanwhile counts 0."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(parent, name).lstat().st_size
    return total

"""Known files that are not found any more: deleted, moved, or on a disk that is not mounted.

A mount point without its disk is an empty folder, or none at all, and looks like one whose files were
deleted. So files are taken for deleted only where their folder keeps most of its others.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIN_SUSPICIOUS_COUNT = 5  # so many missing files, if they are the most of a folder, are no ordinary deletion
_MOUNTINFO_PATH = Path("/proc/self/mountinfo")
_OCTAL_ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, kw_only=True)
class MissingFiles:
    """A folder that lost so many of the files known at or below it that they may not be deleted."""

    folder: Path
    missing_count: int
    known_count: int

    def to_json(self) -> dict[str, Any]:
        """As printed by `affect index --json` and `affect verify --json`."""
        return {"folder": str(self.folder), "missing": self.missing_count, "known": self.known_count}


def is_missing(path: Path) -> bool:
    """Whether no file is at a path; False where that can't be told."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def is_empty(folder: Path) -> bool:
    """Whether a folder is there and holds nothing; False where that can't be told."""
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return False


def may_be_unmounted(path: Path, unmounted_folders: Collection[Path]) -> bool:
    """Whether a path that is gone is below an empty folder, or below one of these mount points."""
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
    """Folders at or below the roots whose missing files are not to be forgotten.

    known_paths: all files of the library below the roots, with those that are
    missing_paths: the missing ones; `found_paths` are the media files that are there, known or not
    unmounted_folders: folders that were mount points when their files were indexed, and now are none

    Each is the highest one that lost nearly everything, or the folder below it with all of that loss.
    """
    before, here, lost = (
        count_paths_by_folder(known_paths),
        count_paths_by_folder(found_paths),
        count_paths_by_folder(missing_paths),
    )
    inside = {folder for folder in lost if not {folder, *folder.parents}.isdisjoint(roots)}

    def is_suspicious(folder: Path) -> bool:
        if folder in unmounted_folders or (
            not here[folder] and (folder in roots or _is_dangling_link(folder))
        ):
            return True
        turned_empty = not here[folder] and folder.is_dir()
        return lost[folder] > 1 and (
            turned_empty or MIN_SUSPICIOUS_COUNT <= lost[folder] > before[folder] / 2
        )

    flagged = {folder for folder in inside if is_suspicious(folder)}
    tops = sorted(folder for folder in flagged if flagged.isdisjoint(folder.parents))
    return [
        MissingFiles(folder=place, missing_count=lost[place], known_count=before[place])
        for place in (_narrow_to_subfolder(top, here, lost) for top in tops)
    ]


def group_missing_by_folder(
    known_paths: Iterable[Path], missing_paths: Collection[Path]
) -> list[MissingFiles]:
    """Where files are gone: the highest folder of each that is gone or empty itself, else its own folder."""
    before, lost = count_paths_by_folder(known_paths), count_paths_by_folder(missing_paths)
    vanished = {folder for folder in lost if not folder.exists() or is_empty(folder)}
    folders = {
        min(vanished.intersection(path.parents), key=lambda one: len(one.parts), default=path.parent)
        for path in missing_paths
    }
    return [
        MissingFiles(folder=folder, missing_count=lost[folder], known_count=before[folder])
        for folder in sorted(folders)
    ]


def count_paths_by_folder(paths: Iterable[Path]) -> Counter[Path]:
    """How many of the paths are at or below each of their folders."""
    below: Counter[Path] = Counter()
    for folder, count in Counter(path.parent for path in paths).items():
        for place in (folder, *folder.parents):
            below[place] += count
    return below


def find_mount_points(roots: Iterable[Path], files: Iterable[Path]) -> set[Path]:
    """Mount points at or below the roots that hold some of the files, named by way of the roots."""
    mounted = _list_mount_points()
    if mounted is None:
        return {folder for folder in count_paths_by_folder(files) if folder.is_mount()}
    real = {root: root.resolve() for root in roots}
    inside = {
        root / place.relative_to(at)
        for root, at in real.items()
        for place in mounted
        if place.is_relative_to(at)
    }
    return inside & count_paths_by_folder(files).keys() if inside else inside


def is_mount_point(folder: Path) -> bool:
    """Whether a folder is a mount point now."""
    mounted = _list_mount_points()
    return folder.is_mount() if mounted is None else folder.resolve() in mounted


def _list_mount_points() -> set[Path] | None:
    """All mount points as the kernel lists them; None elsewhere than on Linux.

    `Path.is_mount`, the way that is left then, does not see bind mounts within one disk.
    """
    try:
        lines = _MOUNTINFO_PATH.read_bytes().splitlines()
    except OSError:
        return None
    return {Path(_unescape_octal(line.split()[4])) for line in lines}


def _unescape_octal(name: bytes) -> str:
    return os.fsdecode(_OCTAL_ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), name))


def _is_dangling_link(folder: Path) -> bool:
    """Whether it is a link whose target is gone, as that to a disk which is not mounted."""
    return folder.is_symlink() and not os.path.exists(folder)  # noqa: PTH110 - Path.exists may raise


def _narrow_to_subfolder(
    top_folder: Path, found_counts: Counter[Path], missing_counts: Counter[Path]
) -> Path:
    """The deepest folder that has all missing files of `top_folder`, as long as something else is there."""
    while found_counts[top_folder]:
        below = [folder for folder in missing_counts if folder.parent == top_folder]
        if len(below) != 1 or missing_counts[below[0]] != missing_counts[top_folder]:
            break
        top_folder = below[0]
    return top_folder

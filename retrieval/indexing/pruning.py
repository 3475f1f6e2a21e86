"""Pruning after an index run: which missing files are removed, and which stay marked as missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from encoders import AffectError, to_printable
from retrieval.indexing.exclusions import Exclusions
from retrieval.indexing.file_scan import make_absolute, quote_path
from retrieval.storage import (
    AnyLibrary,
    FileRecord,
    MissingFiles,
    count_paths_by_folder,
    find_mount_points,
    find_suspicious_folders,
    is_missing,
    is_mount_point,
    may_be_unmounted,
)


@dataclass(frozen=True, kw_only=True)
class ScanResult:
    """Result of a scan of absolute roots.

    known_files: the library's files before the scan
    unreadable:  files and folders that could not be accessed, so that nothing below them counts as missing
    """

    roots: Sequence[Path]
    known_files: Mapping[Path, FileRecord]
    found_paths: Set[Path]
    unreadable: Collection[Path]
    exclusions: Exclusions

    def find_missing(self) -> set[Path]:
        """The library's files at or below the roots that the scan did not find."""
        return {
            path
            for path, places in (
                (path, {path, *path.parents}) for path in self.known_files.keys() - self.found_paths
            )
            if not places.isdisjoint(self.roots) and places.isdisjoint(self.unreadable)
        }

    def is_excluded(self, path: Path) -> bool:
        """Whether a file is excluded with respect to every root above it."""
        roots_above = [root for root in self.roots if root in path.parents]
        return bool(roots_above) and all(self.exclusions.is_excluded(path, root) for root in roots_above)


@dataclass(kw_only=True)
class PruningDecision:
    """Paths to remove, paths to mark as missing, and the latter counted by folder."""

    removed: set[Path] = field(default_factory=set)
    missing: set[Path] = field(default_factory=set)
    missing_by_folder: list[MissingFiles] = field(default_factory=list)


def prune_missing(
    library: AnyLibrary, scan_result: ScanResult, moved_paths: Collection[Path], *, prune_all: bool
) -> PruningDecision:
    """Remove deleted files and mark those that may be on an unmounted disk; the caller holds the lock.

    moved_paths: paths this run has already removed, because their content moved
    prune_all: remove all missing files
    """
    catalog, found_paths = library.catalog, scan_result.found_paths
    mounts_before = catalog.load_mount_points()
    lost_mounts = {folder for folder in mounts_before if not is_mount_point(folder)}
    unmounted_folders = (
        lost_mounts
        - count_paths_by_folder(scan_result.known_files.keys() & found_paths if lost_mounts else ()).keys()
    )
    copies_by_path = {path: paths for paths in catalog.list_copies().values() for path in paths}
    decision = _decide_missing(
        scan_result,
        scan_result.find_missing().difference(moved_paths),
        copies_by_path,
        unmounted_folders,
        prune_all=prune_all,
    )
    _decide_unscanned_copies(decision, scan_result, copies_by_path, unmounted_folders)
    marked_paths = catalog.list_missing_paths()
    mounts = (mounts_before - lost_mounts) | find_mount_points(
        [root for root in scan_result.roots if root.is_dir()], found_paths
    )
    with catalog.transaction():
        catalog.remove_paths_and_orphans(decision.removed)
        catalog.mark_missing(decision.missing - marked_paths, is_missing=True)
        catalog.mark_missing(marked_paths & found_paths, is_missing=False)
        catalog.save_mount_points(mounts if prune_all else mounts | unmounted_folders)
    return decision


def _decide_missing(
    scan_result: ScanResult, missing_paths: set[Path], copies_by_path: Mapping[Path, Sequence[Path]],
    unmounted_folders: Collection[Path], *, prune_all: bool,
) -> PruningDecision:  # fmt: skip
    """Decide on files of the library below the roots that a scan did not find."""
    excluded = {path for path in missing_paths if scan_result.is_excluded(path)}
    absent = {path for path in missing_paths - excluded if is_missing(path)}
    reached_by_other_path = {
        path
        for path in missing_paths
        - excluded
        - absent  # hidden, or in a folder that was entered by another path
        if any(
            other in scan_result.found_paths and _is_same_file(path, other)
            for other in copies_by_path.get(path, ())
        )
    }
    has_copy = {
        path
        for path in absent
        if not all(is_missing(other) for other in copies_by_path.get(path, ()))
        and not may_be_unmounted(path, unmounted_folders)
    }
    uncertain = absent - has_copy
    decision = PruningDecision(removed=excluded | reached_by_other_path | has_copy)
    if uncertain and not prune_all:
        decision.missing_by_folder = find_suspicious_folders(
            scan_result.known_files, scan_result.found_paths, uncertain, scan_result.roots, unmounted_folders
        )
        suspicious_folders = {group.folder for group in decision.missing_by_folder}
        decision.missing = {path for path in uncertain if not suspicious_folders.isdisjoint(path.parents)}
    decision.removed |= uncertain - decision.missing
    return decision


def _decide_unscanned_copies(
    decision: PruningDecision,
    scan_result: ScanResult,
    copies_by_path: Mapping[Path, Sequence[Path]],
    unmounted_folders: Collection[Path],
) -> None:
    """Decide on missing copies, outside the scanned roots, of files that were found."""
    for path, copies in copies_by_path.items():
        is_unscanned = path not in scan_result.found_paths and {path, *path.parents}.isdisjoint(
            scan_result.roots
        )
        if is_unscanned and not scan_result.found_paths.isdisjoint(copies) and is_missing(path):
            (decision.missing if may_be_unmounted(path, unmounted_folders) else decision.removed).add(path)


def _is_same_file(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def select_present_roots(
    library: AnyLibrary, roots: Sequence[Path], *, prune_all: bool
) -> tuple[list[Path], int]:
    """The existing roots, and the number of files removed below absent ones, which needs `prune_all`.

    The caller holds the lock. Raises AffectError for an absent root unless files below it were removed.
    """
    absent_roots = [root for root in roots if not root.exists()]
    files_by_root = {root: _list_known_below(library, root) for root in absent_roots}
    for root, files in files_by_root.items():
        if not (files and prune_all):
            raise AffectError(_format_missing_root(library, root, len(files)))
    removed_paths = {path for files in files_by_root.values() for path in files}
    with library.catalog.transaction():
        library.catalog.remove_paths_and_orphans(removed_paths)
    return [root for root in roots if root not in absent_roots], len(removed_paths)


def _list_known_below(library: AnyLibrary, root: Path) -> list[Path]:
    absolute_root = make_absolute(root)
    return [path for path in library.catalog.load_files() if absolute_root in (path, *path.parents)]


def _format_missing_root(library: AnyLibrary, root: Path, known_count: int) -> str:
    message = f"{to_printable(root)}: no such file or directory"
    if not known_count:
        return message
    return (
        f"{message}; the library holds {known_count} files of it: mount its disk, or forget them with: "
        f"affect remove {quote_path(make_absolute(root))} --library {quote_path(library.name)}"
    )

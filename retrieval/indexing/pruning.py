"""Which files a library forgets at the end of an index run, and which it keeps though they are missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from encoders import AffectError, to_printable
from retrieval.indexing.exclusions import Exclusions
from retrieval.indexing.file_scan import make_absolute, quote_path
from retrieval.storage import (
    FileRecord,
    Library,
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
    """What a scan of some roots (absolute) found, beside what was `known_files` before it.

    unreadable: files and folders that could not be looked at, of which nothing is taken for missing
    """

    roots: Sequence[Path]
    known_files: Mapping[Path, FileRecord]
    found_paths: Set[Path]
    unreadable: Collection[Path]
    exclusions: Exclusions

    def find_missing(self) -> set[Path]:
        """Known files at or below the roots that were not found."""
        return {
            path
            for path, places in (
                (path, {path, *path.parents}) for path in self.known_files.keys() - self.found_paths
            )
            if not places.isdisjoint(self.roots) and places.isdisjoint(self.unreadable)
        }

    def is_excluded(self, path: Path) -> bool:
        """Whether a known file is left out now, seen from every root it is below."""
        above = [root for root in self.roots if root in path.parents]
        return bool(above) and all(self.exclusions.is_excluded(path, root) for root in above)


@dataclass(kw_only=True)
class PruningDecision:
    """Paths to forget, to keep as missing, and the folders that lost the latter."""

    removed: set[Path] = field(default_factory=set)
    missing: set[Path] = field(default_factory=set)
    missing_by_folder: list[MissingFiles] = field(default_factory=list)


def prune_missing(
    library: Library, scan_result: ScanResult, moved_paths: Collection[Path], *, prune_all: bool
) -> PruningDecision:
    """Forget what is gone and mark what may be on a disk that is not mounted; the caller may write.

    moved_paths: paths that this run has forgotten already, as their content moved
    prune_all:  forget all that is gone
    """
    catalog, found = library.catalog, scan_result.found_paths
    mounts_before = catalog.load_mount_points()
    ended = {folder for folder in mounts_before if not is_mount_point(folder)}
    unmounted = ended - count_paths_by_folder(scan_result.known_files.keys() & found if ended else ()).keys()
    copies = {path: places for places in catalog.list_copies().values() for path in places}
    verdict = _decide_missing(
        scan_result,
        scan_result.find_missing().difference(moved_paths),
        copies,
        unmounted,
        prune_all=prune_all,
    )
    _decide_unscanned_copies(verdict, scan_result, copies, unmounted)
    flagged = catalog.list_missing_paths()
    mounts = (mounts_before - ended) | find_mount_points(
        [root for root in scan_result.roots if root.is_dir()], found
    )
    with catalog.transaction():
        catalog.remove_paths_and_orphans(verdict.removed)
        catalog.mark_missing(verdict.missing - flagged, is_missing=True)
        catalog.mark_missing(flagged & found, is_missing=False)
        catalog.save_mount_points(mounts if prune_all else mounts | unmounted)
    return verdict


def _decide_missing(
    scan_result: ScanResult, missing_paths: set[Path], copies_by_path: Mapping[Path, Sequence[Path]],
    unmounted_folders: Collection[Path], *, prune_all: bool,
) -> PruningDecision:  # fmt: skip
    """What becomes of known files below the roots that a scan did not find."""
    excluded = {path for path in missing_paths if scan_result.is_excluded(path)}
    gone = {path for path in missing_paths - excluded if is_missing(path)}
    by_other_path = {
        path
        for path in missing_paths
        - excluded
        - gone  # hidden, or below a folder that was entered by another path
        if any(
            other in scan_result.found_paths and _is_same_file(path, other)
            for other in copies_by_path.get(path, ())
        )
    }
    copied = {
        path
        for path in gone
        if not all(is_missing(other) for other in copies_by_path.get(path, ()))
        and not may_be_unmounted(path, unmounted_folders)
    }
    uncertain = gone - copied
    verdict = PruningDecision(removed=excluded | by_other_path | copied)
    if uncertain and not prune_all:
        verdict.missing_by_folder = find_suspicious_folders(
            scan_result.known_files, scan_result.found_paths, uncertain, scan_result.roots, unmounted_folders
        )
        folders = {loss.folder for loss in verdict.missing_by_folder}
        verdict.missing = {path for path in uncertain if not folders.isdisjoint(path.parents)}
    verdict.removed |= uncertain - verdict.missing
    return verdict


def _decide_unscanned_copies(
    decision: PruningDecision,
    scan_result: ScanResult,
    copies_by_path: Mapping[Path, Sequence[Path]],
    unmounted_folders: Collection[Path],
) -> None:
    """Decide on copies of what was found that are in folders which were not scanned."""
    for path, places in copies_by_path.items():
        elsewhere = path not in scan_result.found_paths and {path, *path.parents}.isdisjoint(
            scan_result.roots
        )
        if elsewhere and not scan_result.found_paths.isdisjoint(places) and is_missing(path):
            (decision.missing if may_be_unmounted(path, unmounted_folders) else decision.removed).add(path)


def _is_same_file(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def select_present_roots(
    library: Library, roots: Sequence[Path], *, prune_all: bool
) -> tuple[list[Path], int]:
    """The roots that are there, and how many files were forgotten below the others, if that is asked for.

    The caller may write. Raises AffectError for a root that is not there, unless it is forgotten so.
    """
    lost = [root for root in roots if not root.exists()]
    below = {root: _list_known_below(library, root) for root in lost}
    for root, files in below.items():
        if not (files and prune_all):
            raise AffectError(_format_missing_root(library, root, len(files)))
    gone = {path for files in below.values() for path in files}
    with library.catalog.transaction():
        library.catalog.remove_paths_and_orphans(gone)
    return [root for root in roots if root not in lost], len(gone)


def _list_known_below(library: Library, root: Path) -> list[Path]:
    place = make_absolute(root)
    return [path for path in library.catalog.load_files() if place in (path, *path.parents)]


def _format_missing_root(library: Library, root: Path, known_count: int) -> str:
    said = f"{to_printable(root)}: no such file or directory"
    if not known_count:
        return said
    return (
        f"{said}; the library holds {known_count} files of it: mount its disk, or forget them with: "
        f"affect remove {quote_path(make_absolute(root))} --library {quote_path(library.folder)}"
    )

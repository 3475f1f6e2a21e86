"""Which files a library forgets at the end of an index run, and which it keeps though they are missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from encoders.base import AffectError, printable
from retrieval.indexing.exclusions import Exclusions
from retrieval.indexing.file_scan import absolute, quoted
from retrieval.storage import item_paths
from retrieval.storage.file_stamps import Known
from retrieval.storage.library import Library
from retrieval.storage.missing_files import (
    Loss,
    count_below,
    is_gone,
    is_mounted,
    losses,
    may_be_unmounted,
    mount_points,
)


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """What a scan of some roots (absolute) found, beside what was `known` before it.

    unreadable: files and folders that could not be looked at, of which nothing is taken for missing
    """

    roots: Sequence[Path]
    known: Mapping[Path, Known]
    found: Set[Path]
    unreadable: Collection[Path]
    exclusions: Exclusions

    def absent(self) -> set[Path]:
        """Known files at or below the roots that were not found."""
        return {
            path
            for path, places in ((path, {path, *path.parents}) for path in self.known.keys() - self.found)
            if not places.isdisjoint(self.roots) and places.isdisjoint(self.unreadable)
        }

    def is_excluded(self, path: Path) -> bool:
        """Whether a known file is left out now, seen from every root it is below."""
        above = [root for root in self.roots if root in path.parents]
        return bool(above) and all(self.exclusions.covers(path, root) for root in above)


@dataclass(kw_only=True)
class Verdict:
    """Paths to forget, to keep as missing, and the folders that lost the latter."""

    forgotten: set[Path] = field(default_factory=set)
    missing: set[Path] = field(default_factory=set)
    losses: list[Loss] = field(default_factory=list)


def forget_absent(
    library: Library, scanned: Scanned, dropped: Collection[Path], *, everything: bool
) -> Verdict:
    """Forget what is gone and mark what may be on a disk that is not mounted; the caller may write.

    dropped:    paths that this run has forgotten already, as their content moved
    everything: forget all that is gone
    """
    catalog, found = library.catalog, scanned.found
    mounts_before = item_paths.mounts(catalog)
    ended = {folder for folder in mounts_before if not is_mounted(folder)}
    unmounted = ended - count_below(scanned.known.keys() & found if ended else ()).keys()
    copies = {path: places for places in item_paths.copies(catalog).values() for path in places}
    verdict = _judge(scanned, scanned.absent().difference(dropped), copies, unmounted, everything=everything)
    _judge_elsewhere(verdict, scanned, copies, unmounted)
    flagged = item_paths.marked_missing(catalog)
    mounts = (mounts_before - ended) | mount_points([root for root in scanned.roots if root.is_dir()], found)
    with catalog.transaction():
        catalog.forget(verdict.forgotten)
        item_paths.mark_missing(catalog, verdict.missing - flagged, missing=True)
        item_paths.mark_missing(catalog, flagged & found, missing=False)
        item_paths.set_mounts(catalog, mounts if everything else mounts | unmounted)
    return verdict


def _judge(
    scanned: Scanned, absent: set[Path], copies: Mapping[Path, Sequence[Path]],
    unmounted: Collection[Path], *, everything: bool,
) -> Verdict:  # fmt: skip
    """What becomes of known files below the roots that a scan did not find."""
    excluded = {path for path in absent if scanned.is_excluded(path)}
    gone = {path for path in absent - excluded if is_gone(path)}
    by_other_path = {
        path
        for path in absent - excluded - gone  # hidden, or below a folder that was entered by another path
        if any(other in scanned.found and _is_same_file(path, other) for other in copies.get(path, ()))
    }
    copied = {
        path
        for path in gone
        if not all(is_gone(other) for other in copies.get(path, ())) and not may_be_unmounted(path, unmounted)
    }
    uncertain = gone - copied
    verdict = Verdict(forgotten=excluded | by_other_path | copied)
    if uncertain and not everything:
        verdict.losses = losses(scanned.known, scanned.found, uncertain, scanned.roots, unmounted)
        folders = {loss.folder for loss in verdict.losses}
        verdict.missing = {path for path in uncertain if not folders.isdisjoint(path.parents)}
    verdict.forgotten |= uncertain - verdict.missing
    return verdict


def _judge_elsewhere(
    verdict: Verdict, scanned: Scanned, copies: Mapping[Path, Sequence[Path]], unmounted: Collection[Path]
) -> None:
    """Decide on copies of what was found that are in folders which were not scanned."""
    for path, places in copies.items():
        elsewhere = path not in scanned.found and {path, *path.parents}.isdisjoint(scanned.roots)
        if elsewhere and not scanned.found.isdisjoint(places) and is_gone(path):
            (verdict.missing if may_be_unmounted(path, unmounted) else verdict.forgotten).add(path)


def _is_same_file(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def present_roots(library: Library, roots: Sequence[Path], *, everything: bool) -> tuple[list[Path], int]:
    """The roots that are there, and how many files were forgotten below the others, if that is asked for.

    The caller may write. Raises AffectError for a root that is not there, unless it is forgotten so.
    """
    lost = [root for root in roots if not root.exists()]
    below = {root: _known_below(library, root) for root in lost}
    for root, files in below.items():
        if not (files and everything):
            raise AffectError(_no_root(library, root, len(files)))
    gone = {path for files in below.values() for path in files}
    with library.catalog.transaction():
        library.catalog.forget(gone)
    return [root for root in roots if root not in lost], len(gone)


def _known_below(library: Library, root: Path) -> list[Path]:
    place = absolute(root)
    return [path for path in library.catalog.known() if place in (path, *path.parents)]


def _no_root(library: Library, root: Path, known: int) -> str:
    said = f"{printable(root)}: no such file or directory"
    if not known:
        return said
    return (
        f"{said}; the library holds {known} files of it: mount its disk, or forget them with: "
        f"affect remove {quoted(absolute(root))} --library {quoted(library.folder)}"
    )

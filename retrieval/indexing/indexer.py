"""Index files into a library: scan, decode in other processes, encode in batches, commit whole files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace
from pathlib import Path

from encoders import MediaError, describe_os_error, stop_at_safe_points, stop_if_requested
from encoders.media import OpenedFile
from retrieval.features import concatenate_features
from retrieval.indexing.exclusions import Exclusions
from retrieval.indexing.file_encoding import (
    EncodedMedia,
    EncodingStep,
    FileEncoder,
    LocalEncoder,
    SegmentCounts,
    make_item_preview,
)
from retrieval.indexing.file_scan import find_media_files, make_absolute
from retrieval.indexing.pruning import ScanResult, prune_missing
from retrieval.indexing.summary import IndexProgress
from retrieval.previews import PreviewWriter, remove_stale_previews
from retrieval.storage import (
    AnyLibrary,
    EncodedFile,
    FileRecord,
    FileStamp,
    FileUpdate,
    Library,
    commit_files,
    postpone_missing_roles,
)

SCAN_REPORT_INTERVAL = 256  # files between two reports of a scan
UPDATE_BATCH_SIZE = 256  # moved or unreadable files committed at once


class Indexer:
    """One index run. `on_progress` is called after every step.

    without_preview: ids of the items that have no preview once the run is done; none of a library in Milvus
    """

    def __init__(self, library: AnyLibrary, on_progress: Callable[[IndexProgress], None]) -> None:
        self.library = library
        self.progress = IndexProgress()
        self.without_preview: Set[str] = set()
        self._on_progress = on_progress
        self._known_files: dict[Path, FileRecord] = {}
        self._stamps: dict[Path, FileStamp] = {}
        self._completed_stamps: dict[Path, FileStamp] = {}  # of files that schema version 1 stored
        self._unreadable: set[Path] = set()  # files and folders that could not be accessed
        self._moved_paths: set[Path] = set()  # old paths of moved files
        self._pending_updates: list[FileUpdate] = []
        self._encoded_files: list[EncodedMedia] = []  # ready to commit
        self._previews = PreviewWriter(library.folder) if isinstance(library, Library) else None

    def run(
        self, roots: Sequence[Path], jobs: int, *, retry: bool = False, recheck: bool = False,
        prune: bool = False, exclude: Sequence[str] = (), encoder: FileEncoder | None = None,
    ) -> IndexProgress:  # fmt: skip
        """Index new and changed files below the roots and remove deleted ones; the caller holds the lock.

        retry:   read files again that could not be read
        recheck: read all files again, including those with an unchanged stamp
        prune:   remove all missing files, even where a disk may not be mounted
        exclude: patterns of names to exclude, as in .gitignore
        encoder: decodes and encodes; by default this machine, with `jobs` decoder processes

        Raises AffectError for a root that does not exist or a full disk; committed files stay. On
        KeyboardInterrupt (see encoders.interrupts) encoded files are committed first.
        """
        scan_result = self._scan(roots, exclude)
        self._record_roots(scan_result.roots)
        paths_to_read = [
            path
            for path in self._stat_files(scan_result.found_paths)
            if recheck or not self._is_unchanged(path, retry)
        ]
        self.progress.to_process = len(paths_to_read) + len(self.progress.failed)
        self._on_progress(self.progress)
        try:
            if paths_to_read:
                encoder = encoder or LocalEncoder(
                    pipeline=self.library.pipeline, segment_seconds=self.library.segment_seconds, jobs=jobs
                )
                with stop_at_safe_points():
                    self._encode_files(paths_to_read, encoder)
                self._on_progress(self.progress)
            self._finish_run(scan_result, prune)
        except KeyboardInterrupt:
            self._commit_encoded()
            raise
        finally:
            if self._previews:
                self._previews.close()
        return self.progress

    def _scan(self, roots: Sequence[Path], exclude: Sequence[str]) -> ScanResult:
        self._known_files = self.library.catalog.load_files()
        exclusions = Exclusions(exclude)
        self.progress.skip_counts.excluded.update(dict.fromkeys(exclusions.user_patterns, 0))
        found_paths: dict[Path, None] = {}
        for path in find_media_files(
            roots, self._record_unreadable, self.library.own_folder, self._known_files,
            exclusions=exclusions, skip_counts=self.progress.skip_counts,
        ):  # fmt: skip
            found_paths[path] = None
            self.progress.found = len(found_paths)
            if len(found_paths) % SCAN_REPORT_INTERVAL == 0:
                self._on_progress(self.progress)
        return ScanResult(
            roots=[make_absolute(root) for root in roots],
            known_files=self._known_files,
            found_paths=found_paths.keys(),
            unreadable=self._unreadable,
            exclusions=exclusions,
        )

    def _record_roots(self, roots: Sequence[Path]) -> None:
        """Remember which folders are indexed, but for those below another one."""
        catalog = self.library.catalog
        known = catalog.load_roots()
        folders = {*known, *filter(Path.is_dir, roots)}
        top_folders = sorted(folder for folder in folders if folders.isdisjoint(folder.parents))
        if top_folders != known:
            catalog.save_roots(top_folders)

    def _stat_files(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Yield the files that can be accessed, after storing their stamps."""
        for path in paths:
            try:
                self._stamps[path] = FileStamp.from_path(path)
            except OSError as error:
                self._record_unreadable(path, describe_os_error(error))
            else:
                yield path

    def _is_unchanged(self, path: Path, retry: bool) -> bool:
        """Whether a file need not be read again; counts it if so."""
        record, stamp = self._known_files.get(path), self._stamps[path]
        if record is None or not record.stamp.matches(stamp) or (record.error and retry):
            return False
        if record.stamp.ctime_ns is None:
            self._completed_stamps[path] = stamp
        if record.error:
            self.progress.failed[str(path)] = record.error
        else:
            self.progress.unchanged += 1
        return True

    def _encode_files(self, paths: Sequence[Path], encoder: FileEncoder) -> None:
        postpone_missing_roles(self.library)
        for step in encoder.encode(paths, self._is_new):
            self._handle_step(step)
            self._on_progress(self.progress)
            stop_if_requested()
        self._commit_encoded()

    def _finish_run(self, scan_result: ScanResult, prune_all: bool) -> None:
        """Complete stamps and prune, at the end: moved files must be recognised before removal."""
        with self.library.catalog.transaction():
            self.library.catalog.add_ctimes(self._completed_stamps)
        decision = prune_missing(self.library, scan_result, self._moved_paths, prune_all=prune_all)
        if isinstance(self.library, Library):
            self.without_preview = remove_stale_previews(self.library)
        self.progress.removed = len(decision.removed)
        self.progress.missing_by_folder = decision.missing_by_folder
        self.progress.files, self.progress.items = self.library.catalog.count_files_and_items()

    def _record_unreadable(self, path: Path, reason: str) -> None:
        """Record a path that can't be accessed; it does not count as missing."""
        self._unreadable.add(path)
        self.progress.failed[str(path)] = reason

    def _is_new(self, opened: OpenedFile) -> bool:
        return not self.library.catalog.has_item(opened.item_id)

    def _handle_step(self, step: EncodingStep) -> None:
        """Count encoded segments and commit files in batches, because each commit waits for the disk."""
        if step.failed_file:
            self._record_failure(step.failed_file.path, step.failed_file.error)
        for file in step.completed_files:
            if file.results:
                self._encoded_files.append(file)
            else:
                self._record_known_content(file)
        self._count_segments(step.counts)
        if step.has_encoded:
            self._commit_encoded()

    def _commit_encoded(self) -> None:
        files, self._encoded_files = self._encoded_files, []
        if files:
            self._write_previews(files)
            commit_files(self.library, [self._make_encoded_file(file) for file in files])
            self.progress.indexed += len(files)
            self.progress.incomplete.update(
                {str(file.path): file.incomplete_reason for file in files if file.incomplete_reason}
            )
        if self._pending_updates:
            self._moved_paths |= self.library.record_files(self._pending_updates)
            self._pending_updates = []

    def _write_previews(self, files: Sequence[EncodedMedia]) -> None:
        """Write the previews of files, before their items: those of items that did not come are removed."""
        if self._previews:
            previews = {file.opened.item_id: make_item_preview(file) for file in files}
            self._previews.add({item_id: preview for item_id, preview in previews.items() if preview})

    def _make_encoded_file(self, file: EncodedMedia) -> EncodedFile:
        return EncodedFile(
            path=file.path,
            stamp=self._stamps[file.path],
            item_id=file.opened.item_id,
            probe=replace(file.opened.probe, incomplete_reason=file.incomplete_reason),
            spans=file.spans,
            features=concatenate_features([segment.features for segment in file.results]),
        )

    def _record_known_content(self, file: EncodedMedia) -> None:
        """Record a file whose content is already in the library (unchanged, moved or copied)."""
        self._queue_update(file.path, file.opened.item_id, None)
        record = self._known_files.get(file.path)
        if record is not None and record.item_id == file.opened.item_id:
            self.progress.rechecked += 1
        else:
            self.progress.moved += 1

    def _record_failure(self, path: Path, error: MediaError) -> None:
        """Record a failure; a transient one is not stored, so that the file keeps its item and is retried."""
        if error.is_permanent:
            self._queue_update(path, None, error.reason)
        self.progress.failed[str(path)] = error.reason

    def _queue_update(self, path: Path, item_id: str | None, error: str | None) -> None:
        """Queue an update for the next commit, because each commit waits for the disk."""
        self._pending_updates.append(
            FileUpdate(path=path, stamp=self._stamps[path], item_id=item_id, error=error)
        )
        if len(self._pending_updates) >= UPDATE_BATCH_SIZE:
            self._commit_encoded()

    def _count_segments(self, counts: SegmentCounts) -> None:
        self.progress.images += counts.images
        self.progress.frames += counts.frames
        self.progress.video_seconds += counts.video_seconds
        self.progress.audio_seconds += counts.audio_seconds

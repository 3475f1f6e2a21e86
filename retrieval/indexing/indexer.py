"""Index files into a library: scan, decode in other processes, encode in batches, commit whole files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from encoders import MediaError, Rows, stop_at_safe_points, stop_if_requested
from encoders.media import DecodedSegment, DecoderPool, Limits, OpenedFile, Sampling, Segment
from retrieval.features import LoopStep, ProcessedFile, concatenate_features, encode_files, encode_segments
from retrieval.indexing.exclusions import Exclusions
from retrieval.indexing.file_scan import describe_os_error, find_media_files, make_absolute
from retrieval.indexing.pruning import ScanResult, prune_missing
from retrieval.indexing.summary import IndexProgress
from retrieval.storage import EncodedFile, FileRecord, FileStamp, FileUpdate, Library

SCAN_REPORT_INTERVAL = 256  # files between two reports of a scan
UPDATE_BATCH_SIZE = 256  # moved or unreadable files are written down when there are so many


class Indexer:
    """One run over some folders. `report` is called after every step."""

    def __init__(self, library: Library, on_progress: Callable[[IndexProgress], None]) -> None:
        self.library = library
        self.progress = IndexProgress()
        self._on_progress = on_progress
        self._known_files: dict[Path, FileRecord] = {}
        self._stamps: dict[Path, FileStamp] = {}
        self._completed_stamps: dict[Path, FileStamp] = {}  # files of the first format, which kept no ctime
        self._unreadable: set[Path] = set()  # what could not even be looked at
        self._moved_paths: set[Path] = set()  # where content was before it moved
        self._pending_updates: list[FileUpdate] = []
        self._encoded_files: list[ProcessedFile[dict[str, Rows]]] = []  # ready to commit

    def run(
        self, roots: Sequence[Path], jobs: int, *, retry: bool = False, recheck: bool = False,
        prune: bool = False, exclude: Sequence[str] = (),
    ) -> IndexProgress:  # fmt: skip
        """Index what is new or changed below the roots and forget what was deleted; the caller may write.

        retry:   read files again that could not be read
        recheck: read all files again, also those that look unchanged
        prune:   forget all that is gone, even where its disk may not be mounted
        exclude: patterns of names to leave out, as in .gitignore

        Raises AffectError for a root that does not exist or a full disk; what was committed stays. On
        KeyboardInterrupt (see encoders.interrupts) what is complete is committed first.
        """
        scanned = self._scan(roots, exclude)
        todo = [
            path
            for path in self._stat_files(scanned.found_paths)
            if recheck or not self._is_unchanged(path, retry)
        ]
        self.progress.to_process = len(todo) + len(self.progress.failed)
        self._on_progress(self.progress)
        try:
            if todo:
                with stop_at_safe_points():
                    self._decode_files(todo, jobs)
                self._on_progress(self.progress)
        except KeyboardInterrupt:
            self._commit_encoded()
            raise
        self._finish_run(scanned, prune)
        return self.progress

    def _scan(self, roots: Sequence[Path], exclude: Sequence[str]) -> ScanResult:
        self._known_files = self.library.catalog.load_files()
        exclusions = Exclusions(exclude)
        self.progress.skip_counts.excluded.update(dict.fromkeys(exclusions.user_patterns, 0))
        found: dict[Path, None] = {}
        for path in find_media_files(
            roots, self._record_unreadable, self.library.folder, self._known_files,
            exclusions=exclusions, skip_counts=self.progress.skip_counts,
        ):  # fmt: skip
            found[path] = None
            self.progress.found = len(found)
            if len(found) % SCAN_REPORT_INTERVAL == 0:
                self._on_progress(self.progress)
        return ScanResult(
            roots=[make_absolute(root) for root in roots],
            known_files=self._known_files,
            found_paths=found.keys(),
            unreadable=self._unreadable,
            exclusions=exclusions,
        )

    def _stat_files(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Files that can be looked at, with their stamps kept."""
        for path in paths:
            try:
                self._stamps[path] = FileStamp.from_path(path)
            except OSError as bad:
                self._record_unreadable(path, describe_os_error(bad))
            else:
                yield path

    def _is_unchanged(self, path: Path, retry: bool) -> bool:
        """Whether a file needs no reading; counted if so."""
        known, stamp = self._known_files.get(path), self._stamps[path]
        if known is None or not known.stamp.matches(stamp) or (known.error and retry):
            return False
        if known.stamp.ctime_ns is None:
            self._completed_stamps[path] = stamp
        if known.error:
            self.progress.failed[str(path)] = known.error
        else:
            self.progress.unchanged += 1
        return True

    def _decode_files(self, paths: Sequence[Path], jobs: int) -> None:
        sampling = Sampling(
            segment_seconds=self.library.segment_seconds, sample_rate=self.library.pipeline.sample_rate
        )
        with DecoderPool(min(jobs, len(paths)), sampling, Limits()) as pool:
            for step in encode_files(pool.read(paths, should_decode=self._is_new), self._encode_batch):
                self._handle_step(step)
                self._on_progress(self.progress)
                stop_if_requested()
        self._commit_encoded()

    def _finish_run(self, scan_result: ScanResult, prune_all: bool) -> None:
        """Forget last of all, so that what only moved is still known when it is found."""
        with self.library.catalog.transaction():
            self.library.catalog.add_ctimes(self._completed_stamps)
        verdict = prune_missing(self.library, scan_result, self._moved_paths, prune_all=prune_all)
        self.progress.removed = len(verdict.removed)
        self.progress.missing_by_folder = verdict.missing_by_folder
        self.progress.files, self.progress.items = self.library.catalog.count_files_and_items()

    def _record_unreadable(self, path: Path, reason: str) -> None:
        """What can't be looked at is not gone: a folder may be locked for a while."""
        self._unreadable.add(path)
        self.progress.failed[str(path)] = reason

    def _is_new(self, opened: OpenedFile) -> bool:
        return not self.library.catalog.has_item(opened.item_id)

    def _encode_batch(self, parts: Sequence[DecodedSegment]) -> list[dict[str, Rows]]:
        return encode_segments(self.library.pipeline, [part.segment for part in parts])

    def _handle_step(self, step: LoopStep[dict[str, Rows]]) -> None:
        """Count what was encoded; commit files a batch at a time, as each commit waits for the disk."""
        if step.failed_file:
            self._record_failure(step.failed_file.path, step.failed_file.error)
        for file in step.completed_files:
            if file.results:
                self._encoded_files.append(file)
            else:
                self._record_known_content(file)
        if step.encoded_segments:
            self._count_segments(step.encoded_segments)
            self._commit_encoded()

    def _commit_encoded(self) -> None:
        ready, self._encoded_files = self._encoded_files, []
        if ready:
            self.library.commit([self._make_encoded_file(file) for file in ready])
            self.progress.indexed += len(ready)
            self.progress.incomplete.update(
                {str(file.path): file.incomplete_reason for file in ready if file.incomplete_reason}
            )
        if self._pending_updates:
            self._moved_paths |= self.library.record_files(self._pending_updates)
            self._pending_updates = []

    def _make_encoded_file(self, file: ProcessedFile[dict[str, Rows]]) -> EncodedFile:
        return EncodedFile(
            path=file.path,
            stamp=self._stamps[file.path],
            item_id=file.opened.item_id,
            probe=replace(file.opened.probe, incomplete_reason=file.incomplete_reason),
            spans=file.spans,
            features=concatenate_features(file.results),
        )

    def _record_known_content(self, file: ProcessedFile[dict[str, Rows]]) -> None:
        """A file that was not decoded, as its content is in the library: unchanged, moved, or a copy."""
        self._queue_update(file.path, file.opened.item_id, None)
        known = self._known_files.get(file.path)
        if known is not None and known.item_id == file.opened.item_id:
            self.progress.rechecked += 1
        else:
            self.progress.moved += 1

    def _record_failure(self, path: Path, error: MediaError) -> None:
        """A passing failure is not stored: the file is tried again, and keeps its old item until then."""
        if error.is_permanent:
            self._queue_update(path, None, error.reason)
        self.progress.failed[str(path)] = error.reason

    def _queue_update(self, path: Path, item_id: str | None, error: str | None) -> None:
        """Written with the next commit: each commit waits for the disk."""
        self._pending_updates.append(
            FileUpdate(path=path, stamp=self._stamps[path], item_id=item_id, error=error)
        )
        if len(self._pending_updates) >= UPDATE_BATCH_SIZE:
            self._commit_encoded()

    def _count_segments(self, segments: Sequence[Segment]) -> None:
        progress = self.progress
        for segment in segments:
            long = (segment.end or 0) - (segment.start or 0)
            progress.images += segment.start is None
            progress.frames += 0 if segment.frames is None else len(segment.frames)
            progress.video_seconds += long if segment.frames is not None else 0
            progress.audio_seconds += segment.audio.duration if segment.audio is not None else 0

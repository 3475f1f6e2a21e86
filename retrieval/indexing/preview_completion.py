"""Previews of items that have none: of libraries made before there were any, or whose previews were lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from encoders import stop_at_safe_points, stop_if_requested
from encoders.media import (
    DecodedSegment,
    DecoderPool,
    DecodingEvent,
    FailedFile,
    FinishedFile,
    Limits,
    OpenedFile,
)
from retrieval.indexing.summary import IndexProgress, PreviewCompletion
from retrieval.previews import (
    PREVIEW_READER,
    PREVIEW_SAMPLING,
    ItemPreview,
    PreviewWriter,
    SegmentPreview,
    get_preview,
    merge_previews,
)
from retrieval.storage import Library, is_missing

BATCH_ITEMS = 64  # written at once


class PreviewCompleter:
    """Decodes the files of items without a preview; nothing is encoded, so these have no boxes of faces.

    What was written is not read again by a later run, which also reads the files that were missing.
    """

    def __init__(
        self, library: Library, progress: IndexProgress, on_progress: Callable[[IndexProgress], None]
    ) -> None:
        self.library = library
        self._progress, self._on_progress = progress, on_progress
        self._completion = PreviewCompletion()
        self._item_by_path: dict[Path, str] = {}
        self._opened: dict[Path, OpenedFile] = {}
        self._segment_previews: dict[Path, list[SegmentPreview]] = {}
        self._made: dict[str, ItemPreview] = {}  # ready to write

    def run(self, without_preview: Set[str], jobs: int) -> None:
        """Make the previews of the items that have none; the caller holds the library's lock.

        On KeyboardInterrupt (see encoders.interrupts) those that were made are written first.
        """
        path_by_item = {
            record.item_id: path
            for path, record in (self.library.catalog.load_files().items() if without_preview else ())
            if record.item_id in without_preview and not is_missing(path)
        }
        self._item_by_path = {path: item_id for item_id, path in path_by_item.items() if item_id}
        self._completion.to_make = len(self._item_by_path)
        self._completion.missing = len(without_preview) - len(self._item_by_path)
        if not self._item_by_path:
            return
        self._progress.previews = self._completion
        with closing(PreviewWriter(self.library.folder)) as writer:
            try:
                with stop_at_safe_points():
                    self._decode(sorted(self._item_by_path), jobs, writer)
            finally:
                self._write(writer)

    def _decode(self, paths: Sequence[Path], jobs: int, writer: PreviewWriter) -> None:
        sampling = replace(PREVIEW_SAMPLING, segment_seconds=self.library.segment_seconds)
        with DecoderPool(min(jobs, len(paths)), sampling, Limits(), reader=PREVIEW_READER) as pool:
            for event in pool.read(paths, should_decode=self._is_as_indexed):
                self._handle(event)
                if len(self._made) >= BATCH_ITEMS:
                    self._write(writer)
                self._on_progress(self._progress)
                stop_if_requested()

    def _is_as_indexed(self, opened: OpenedFile) -> bool:
        return opened.item_id == self._item_by_path[opened.path]

    def _handle(self, event: DecodingEvent) -> None:
        match event:
            case OpenedFile(path=path):
                self._opened[path], self._segment_previews[path] = event, []
            case DecodedSegment(path=path, segment=segment):
                self._segment_previews[path] += filter(None, [get_preview(segment)])
            case FinishedFile(path=path):
                opened, previews = self._opened.pop(path), self._segment_previews.pop(path)
                self._finish(merge_previews(opened.probe, previews), opened)
            case FailedFile(path=path, error=error):
                self._opened.pop(path, None)
                self._segment_previews.pop(path, None)
                self._completion.failed[str(path)] = error.reason
                if error.is_permanent:  # it is not tried again
                    self._made[self._item_by_path[path]] = ItemPreview()

    def _finish(self, preview: ItemPreview, opened: OpenedFile) -> None:
        """Keep a file's preview to be written, unless it has another content by now."""
        if self._is_as_indexed(opened):
            self._made[opened.item_id] = preview
            self._completion.made += 1
        else:
            self._completion.missing += 1
            self._completion.to_make -= 1

    def _write(self, writer: PreviewWriter) -> None:
        writer.add(self._made)
        self._made = {}

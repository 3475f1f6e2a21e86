"""What an index run prints: progress while it goes on, a summary at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from encoders import to_printable
from retrieval.indexing import IndexProgress, quote_path
from retrieval.progress_reporter import ProgressReporter
from retrieval.storage import MissingFiles

MAX_LISTED = 20  # files that could not be read, or kinds of files, before the list is cut short


@contextmanager
def report_index_progress() -> Iterator[Callable[[IndexProgress], None]]:
    """Files, frames a second, time left and failures on standard error: live, or a line now and then."""
    with ProgressReporter("affect", unit="files") as progress:

        def on_progress(counts: IndexProgress) -> None:
            if counts.to_process:
                progress.update("indexing", counts.processed, counts.to_process, note=_format_note(counts))
            else:
                progress.update("scanning", counts.found)

        yield on_progress


def _format_note(progress: IndexProgress) -> str:
    """ "31.4 frames/s, 2 failed" """
    rate = progress.frames / max(progress.elapsed_seconds, 1e-9)
    parts = [f"{rate:.1f} frames/s"] if progress.frames else []
    return ", ".join([*parts, f"{len(progress.failed)} failed"] if progress.failed else parts)


def print_index_summary(progress: IndexProgress, folder: Path) -> None:
    """A line of counts, then what was left out, can't be read or is missing."""
    for line in format_index_summary(progress, folder):
        click.echo(line)


def format_index_summary(progress: IndexProgress, folder: Path) -> Iterator[str]:
    """What an index run came to, for people."""
    parts = {
        "indexed": progress.indexed, "unchanged": progress.unchanged,
        "read again and found unchanged": progress.rechecked, "moved or copied": progress.moved,
        "forgotten": progress.removed, "missing": progress.missing_count, "unreadable": len(progress.failed),
        "incomplete": len(progress.incomplete),
    }  # fmt: skip
    said = ", ".join(f"{count} {name}" for name, count in parts.items() if count) or "no media files found"
    yield f"{to_printable(folder)}: {said} in {progress.elapsed_seconds:.1f} s"
    if duplicates := progress.files - progress.items:
        noun = "duplicate" if duplicates == 1 else "duplicates"
        yield f"  in the library: {progress.files} files, {progress.items} items ({duplicates} {noun})"
    yield from _format_counts("left out", progress.skip_counts.excluded)
    yield from _format_counts("no media, skipped", progress.skip_counts.non_media)
    yield from _format_reasons(
        "unreadable", progress.failed, f"affect list --failed --library {quote_path(folder)}"
    )
    yield from _format_reasons(
        "incomplete", progress.incomplete, f"affect list --library {quote_path(folder)}"
    )
    for loss in progress.missing_by_folder:
        yield f"  {format_missing_files(loss, folder)}"


def format_missing_files(missing_files: MissingFiles, library_folder: Path) -> str:
    """What is missing below a folder, and what to do."""
    return (
        f"missing: {missing_files.missing_count} of {missing_files.known_count} files below "
        f"{to_printable(missing_files.folder)}, kept in the library; "
        "mount the disk and index again, or forget them: "
        f"affect index {quote_path(missing_files.folder)} --prune --library {quote_path(library_folder)}"
    )


def _format_counts(label: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        more = ["..."] if len(ordered) > MAX_LISTED else []
        yield f"  {label}: " + ", ".join(
            [f"{count} {to_printable(name)}" for name, count in ordered[:MAX_LISTED]] + more
        )


def _format_reasons(label: str, reason_by_path: Mapping[str, str], command: str) -> Iterator[str]:
    for path, why in sorted(reason_by_path.items())[:MAX_LISTED]:
        yield f"  {label}: {to_printable(path)}: {to_printable(why)}"
    if (more := len(reason_by_path) - MAX_LISTED) > 0:
        yield f"  ... and {more} more: {command}"

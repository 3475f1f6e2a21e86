"""Terminal output of an index run: progress while it runs, then a summary."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from encoders import to_printable
from retrieval.indexing import IndexProgress, RoleCompletion, quote_path
from retrieval.progress_reporter import ProgressReporter
from retrieval.storage import MissingFiles

OnProgress = Callable[[IndexProgress], None]
PROGRESS_LINE_SECONDS = 0.5  # seconds between lines of JSON
MAX_LISTED = 20  # entries printed of a list of files or of file kinds before it is cut short


@contextmanager
def report_index_progress() -> Iterator[OnProgress]:
    """Show files, frames per second, time left and failures on standard error, as `ProgressReporter` does."""
    with ProgressReporter("affect", unit="files") as progress:

        def on_progress(counts: IndexProgress) -> None:
            if counts.previews:
                progress.update("making previews", counts.previews.processed, counts.previews.to_make)
            elif counts.completion and counts.completion.to_read:
                completion = counts.completion
                label = f"reading again for {', '.join(completion.roles)}"
                progress.update(label, completion.processed, completion.to_read)
            elif counts.to_process:
                progress.update("indexing", counts.processed, counts.to_process, note=_format_note(counts))
            else:
                progress.update("scanning", counts.found)

        yield on_progress


@contextmanager
def print_progress_lines(interval_seconds: float = PROGRESS_LINE_SECONDS) -> Iterator[OnProgress]:
    """Print the progress for a program, a JSON object a line: now and then, and at the end."""
    last_time, last_progress = -math.inf, IndexProgress()

    def on_progress(progress: IndexProgress) -> None:
        nonlocal last_time, last_progress
        last_progress = progress
        if (now := time.monotonic()) - last_time >= interval_seconds:
            last_time = now
            print_line(progress)

    def print_line(progress: IndexProgress) -> None:
        click.echo(json.dumps({"progress": progress.to_progress_json()}))

    yield on_progress
    print_line(last_progress)


def _format_note(progress: IndexProgress) -> str:
    """Frame rate and failure count, such as "31.4 frames/s, 2 failed"."""
    rate = progress.frames / max(progress.elapsed_seconds, 1e-9)
    parts = [f"{rate:.1f} frames/s"] if progress.frames else []
    return ", ".join([*parts, f"{len(progress.failed)} failed"] if progress.failed else parts)


def print_index_summary(
    progress: IndexProgress, folder: Path | str, lost_abilities: Sequence[str] = ()
) -> None:
    """Print the lines of `format_index_summary`, and one on what the library's encoders don't allow."""
    for line in format_index_summary(progress, folder):
        click.echo(line)
    if lost_abilities:
        click.echo(f"  by --encoders this library is without {', '.join(lost_abilities)}")


def format_index_summary(progress: IndexProgress, folder: Path | str) -> Iterator[str]:
    """Yield a line of counts, then lines on excluded, unreadable, incomplete and missing files."""
    parts = {
        "indexed": progress.indexed, "unchanged": progress.unchanged,
        "read again and found unchanged": progress.rechecked, "moved or copied": progress.moved,
        "forgotten": progress.removed, "missing": progress.missing_count, "unreadable": len(progress.failed),
        "incomplete": len(progress.incomplete),
    }  # fmt: skip
    counts = ", ".join(f"{count} {name}" for name, count in parts.items() if count) or "no media files found"
    yield f"{to_printable(folder)}: {counts} in {progress.elapsed_seconds:.1f} s"
    if duplicates := progress.files - progress.items:
        noun = "duplicate" if duplicates == 1 else "duplicates"
        yield f"  in the library: {progress.files} files, {progress.items} items ({duplicates} {noun})"
    if completion := progress.completion:
        yield from _format_completion(completion)
    if previews := progress.previews:
        yield f"  {previews.made} {'item' if previews.made == 1 else 'items'} got previews"
        yield from _format_reasons("without preview", previews.failed)
    yield from _format_counts("left out", progress.skip_counts.excluded)
    yield from _format_counts("no media, skipped", progress.skip_counts.non_media)
    yield from _format_reasons(
        "unreadable", progress.failed, f"affect list --failed --library {quote_path(folder)}"
    )
    yield from _format_reasons(
        "incomplete", progress.incomplete, f"affect list --library {quote_path(folder)}"
    )
    for missing_files in progress.missing_by_folder:
        yield f"  {format_missing_files(missing_files, folder)}"


def _format_completion(completion: RoleCompletion) -> Iterator[str]:
    """A line on items that were read again, and one for each that is left out."""
    if completion.read or completion.missing:
        noun = "item" if completion.read == 1 else "items"
        missing = f" ({completion.missing} more have no file now)" if completion.missing else ""
        yield f"  {completion.read} {noun} read again for: {', '.join(completion.roles)}{missing}"
    yield from _format_reasons(f"without {', '.join(completion.roles)}", completion.left_out)


def format_missing_files(missing_files: MissingFiles, library_folder: Path | str) -> str:
    """How many files are missing below a folder, and the command that removes them from the library."""
    return (
        f"missing: {missing_files.missing_count} of {missing_files.known_count} files below "
        f"{to_printable(missing_files.folder)}, kept in the library; "
        "mount the disk and index again, or forget them: "
        f"affect index {quote_path(missing_files.folder)} --prune --library {quote_path(library_folder)}"
    )


def _format_counts(label: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        ellipsis = ["..."] if len(ordered) > MAX_LISTED else []
        yield f"  {label}: " + ", ".join(
            [f"{count} {to_printable(name)}" for name, count in ordered[:MAX_LISTED]] + ellipsis
        )


def _format_reasons(label: str, reason_by_path: Mapping[str, str], command: str = "") -> Iterator[str]:
    for path, reason in sorted(reason_by_path.items())[:MAX_LISTED]:
        yield f"  {label}: {to_printable(path)}: {to_printable(reason)}"
    if (omitted_count := len(reason_by_path) - MAX_LISTED) > 0:
        yield f"  ... and {omitted_count} more{command and ': '}{command}"

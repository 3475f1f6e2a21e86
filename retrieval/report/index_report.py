"""What an index run prints: progress while it goes on, a summary at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from encoders.base import printable
from retrieval.indexing.file_scan import quoted
from retrieval.indexing.summary import Progress as Counts
from retrieval.progress_reporter import ProgressReporter
from retrieval.storage.missing_files import Loss

SHOWN = 20  # files that could not be read, or kinds of files, before the list is cut short


@contextmanager
def index_progress() -> Iterator[Callable[[Counts], None]]:
    """Files, frames a second, time left and failures on standard error: live, or a line now and then."""
    with ProgressReporter("affect", unit="files") as progress:

        def report(counts: Counts) -> None:
            if counts.todo:
                progress.update("indexing", counts.done, counts.todo, note=_note(counts))
            else:
                progress.update("scanning", counts.found)

        yield report


def _note(counts: Counts) -> str:
    """ "31.4 frames/s, 2 failed" """
    rate = counts.frames / max(counts.seconds, 1e-9)
    parts = [f"{rate:.1f} frames/s"] if counts.frames else []
    return ", ".join([*parts, f"{len(counts.failed)} failed"] if counts.failed else parts)


def index_summary(counts: Counts, folder: Path) -> None:
    """A line of counts, then what was left out, can't be read or is missing."""
    for line in summary_lines(counts, folder):
        click.echo(line)


def summary_lines(counts: Counts, folder: Path) -> Iterator[str]:
    """What an index run came to, for people."""
    parts = {
        "indexed": counts.indexed, "unchanged": counts.unchanged,
        "read again and found unchanged": counts.rechecked, "moved or copied": counts.moved,
        "forgotten": counts.removed, "missing": counts.missing, "unreadable": len(counts.failed),
        "incomplete": len(counts.incomplete),
    }  # fmt: skip
    said = ", ".join(f"{count} {name}" for name, count in parts.items() if count) or "no media files found"
    yield f"{printable(folder)}: {said} in {counts.seconds:.1f} s"
    if duplicates := counts.files - counts.items:
        noun = "duplicate" if duplicates == 1 else "duplicates"
        yield f"  in the library: {counts.files} files, {counts.items} items ({duplicates} {noun})"
    yield from _counted("left out", counts.passed_over.excluded)
    yield from _counted("no media, skipped", counts.passed_over.kinds)
    yield from _listed("unreadable", counts.failed, f"affect list --failed --library {quoted(folder)}")
    yield from _listed("incomplete", counts.incomplete, f"affect list --library {quoted(folder)}")
    for loss in counts.losses:
        yield f"  {loss_line(loss, folder)}"


def loss_line(loss: Loss, library: Path) -> str:
    """What is missing below a folder, and what to do."""
    return (
        f"missing: {loss.missing} of {loss.known} files below {printable(loss.folder)}, kept in the library; "
        "mount the disk and index again, or forget them: "
        f"affect index {quoted(loss.folder)} --prune --library {quoted(library)}"
    )


def _counted(what: str, counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        more = ["..."] if len(ordered) > SHOWN else []
        yield f"  {what}: " + ", ".join(
            [f"{count} {printable(name)}" for name, count in ordered[:SHOWN]] + more
        )


def _listed(what: str, reasons: Mapping[str, str], command: str) -> Iterator[str]:
    for path, why in sorted(reasons.items())[:SHOWN]:
        yield f"  {what}: {printable(path)}: {printable(why)}"
    if (more := len(reasons) - SHOWN) > 0:
        yield f"  ... and {more} more: {command}"

"""What an index run prints: progress while it goes on, a summary at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from encoders.base import printable
from retrieval.missing import Loss
from retrieval.progress import Progress as Counts
from retrieval.scan import quoted

EVERY = 10.0  # seconds between two lines where there is no terminal
SHOWN = 20  # files that could not be read, or kinds of files, before the list is cut short


@contextmanager
def index_progress() -> Iterator[Callable[[Counts], None]]:
    """Files, frames a second, time left and failures on standard error: live, or a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().report
        return
    columns = (
        TextColumn("indexing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(), TextColumn("{task.fields[failed]}"),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("index", total=None, speed="", failed="")

        def report(counts: Counts) -> None:
            bar.update(
                task, total=counts.todo or None, completed=counts.done or counts.found,
                speed=f"{counts.frames / max(counts.seconds, 1e-9):.1f} frames/s",
                failed=f"[red]{len(counts.failed)} failed" if counts.failed else "",
            )  # fmt: skip

        yield report


class _Lines:
    """A line every `EVERY` seconds, for a log file."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def report(self, counts: Counts) -> None:
        """Print where a run is, if it is time to."""
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            click.echo(f"affect: {progress_line(counts)}", err=True)


def progress_line(counts: Counts) -> str:
    """ "120 of 770 files, 3.2 files/s, 3 min left, 2 failed"; during the scan "640 files found"."""
    if not counts.todo:
        return f"{counts.found} files found"
    rate = counts.done / max(counts.seconds, 1e-9)
    parts = [f"{counts.done} of {counts.todo} files", f"{rate:.1f} files/s"]
    if counts.done:
        parts.append(f"{_duration((counts.todo - counts.done) / rate)} left")
    if counts.failed:
        parts.append(f"{len(counts.failed)} failed")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    """ "40 s", "3 min", "2 h 5 min" """
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


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

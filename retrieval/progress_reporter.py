"""Progress of a long job on standard error: a live line on a terminal, else a plain line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

EVERY = 10.0  # seconds between plain lines
LIVE = 1.0  # seconds between looks at the time, on a terminal


class ProgressReporter:
    """Says how far a job is, how long it has run and how long it is likely to take.

    Use as a context manager and call `update` as often as you like; lines come also while it is not called.
    Nothing is written without a terminal unless the job takes longer than `every` seconds; then the last line
    says that it is done.
    """

    def __init__(
        self, name: str, *, unit: str = "", quiet: bool = False, every: float | None = None,
        stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Begin.

        name:  of the command, before every plain line
        unit:  what is counted, in the plural, such as "files"
        quiet: write nothing at all
        every: seconds between plain lines
        """
        self._name, self._unit, self._quiet, self._clock = name, unit, quiet, clock
        self._every = EVERY if every is None else every
        self._console = Console(file=sys.stderr if stream is None else stream)
        self._begun = self._written = self._counted_from = clock()
        self._now: tuple[str, float, float | None, str] | None = None  # as `update` was called last
        self._last = ""
        self._live = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"),
            console=self._console, transient=True, disable=quiet or not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._live.add_task("", total=None, counts="", visible=False)
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._beat = threading.Thread(target=self._keep_showing, daemon=True)

    def __enter__(self) -> ProgressReporter:
        self._live.start()
        if not self._quiet:
            self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        with self._lock:
            self._live.stop()
            if kind is None and self._last:
                self._write(f"{self._last}: done in {format_seconds(self._clock() - self._begun)}")

    def update(self, label: str, done: float, total: float | None = None, *, note: str = "") -> None:
        """Tell how much is done, of how much where that is known; a part of one counts for the time left.

        Where nothing is done yet the time left is reckoned from now on, so that one job can follow another.

        label: what is being done
        note:  anything else, such as failures so far
        """
        with self._lock:
            if done == 0:
                self._counted_from = self._clock()
            self._now = label, done, total, note
            self._show()

    def _keep_showing(self) -> None:
        """While one part of the job takes long."""
        while not self._ended.wait(LIVE if self._console.is_terminal else max(self._every, LIVE)):
            with self._lock:
                if not self._ended.is_set():
                    self._show()

    def _show(self) -> None:
        if self._now is None or self._quiet:
            return
        (label, done, total, note), now = self._now, self._clock()
        counts = counts_line(done, total, self._unit, now - self._begun, now - self._counted_from, note)
        if self._console.is_terminal:
            self._live.update(
                self._task, description=escape(label), completed=done, total=total, counts=escape(counts),
                visible=True,
            )  # fmt: skip
        elif now - self._written >= self._every:
            self._written, self._last = now, label
            self._write(f"{label}: {counts}")

    def _write(self, line: str) -> None:
        print(f"{self._name}: {line}", file=self._console.file, flush=True)


def counts_line(
    done: float, total: float | None, unit: str, seconds: float, counted: float, note: str = ""
) -> str:
    """Such as "3 of 10 files, 42 s so far, about 1 min 38 s left"; without a total there is no time left.

    seconds: since the command began; counted: since the first of `done` began
    """
    of = "" if total is None else f" of {total:.0f}"
    parts = [f"{int(done)}{of} {unit}".rstrip(), f"{format_seconds(seconds)} so far"]
    if total is not None and 0 < done < total:
        parts.append(f"about {format_seconds(counted / done * (total - done))} left")
    return ", ".join([*parts, note] if note else parts)


def format_seconds(seconds: float) -> str:
    """Such as "42 s", "3 min 5 s" or "2 h 10 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

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

PLAIN_LINE_SECONDS = 10.0  # seconds between plain lines
REFRESH_SECONDS = 1.0  # seconds between looks at the time, on a terminal


class ProgressReporter:
    """Says how far a job is, how long it has run and how long it is likely to take.

    Use as a context manager and call `update` as often as you like; lines come also while it is not called.
    Nothing is written without a terminal unless the job takes longer than `every` seconds; then the last line
    says that it is done.
    """

    def __init__(
        self, command: str, *, unit: str = "", quiet: bool = False, interval_seconds: float | None = None,
        stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Begin.

        command: of the command, before every plain line
        unit:  what is counted, in the plural, such as "files"
        quiet: write nothing at all
        interval_seconds: seconds between plain lines
        """
        self._command, self._unit, self._quiet, self._clock = command, unit, quiet, clock
        self._interval_seconds = PLAIN_LINE_SECONDS if interval_seconds is None else interval_seconds
        self._console = Console(file=sys.stderr if stream is None else stream)
        self._start_time = self._last_write_time = self._count_start_time = clock()
        self._last_update: tuple[str, float, float | None, str] | None = None  # as `update` was called last
        self._last_label = ""
        self._live_display = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counts]}"),
            console=self._console, transient=True, disable=quiet or not self._console.is_terminal,
        )  # fmt: skip
        self._task = self._live_display.add_task("", total=None, counts="", visible=False)
        self._lock, self._stop_event = threading.Lock(), threading.Event()
        self._refresh_thread = threading.Thread(target=self._run_refresh_loop, daemon=True)

    def __enter__(self) -> ProgressReporter:
        self._live_display.start()
        if not self._quiet:
            self._refresh_thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop_event.set()
        with self._lock:
            self._live_display.stop()
            if exc_type is None and self._last_label:
                self._write_line(
                    f"{self._last_label}: done in {format_seconds(self._clock() - self._start_time)}"
                )

    def update(self, label: str, done: float, total: float | None = None, *, note: str = "") -> None:
        """Tell how much is done, of how much where that is known; a part of one counts for the time left.

        Where nothing is done yet the time left is reckoned from now on, so that one job can follow another.

        label: what is being done
        note:  anything else, such as failures so far
        """
        with self._lock:
            if done == 0:
                self._count_start_time = self._clock()
            self._last_update = label, done, total, note
            self._show()

    def _run_refresh_loop(self) -> None:
        """While one part of the job takes long."""
        while not self._stop_event.wait(
            REFRESH_SECONDS if self._console.is_terminal else max(self._interval_seconds, REFRESH_SECONDS)
        ):
            with self._lock:
                if not self._stop_event.is_set():
                    self._show()

    def _show(self) -> None:
        if self._last_update is None or self._quiet:
            return
        (label, done, total, note), now = self._last_update, self._clock()
        counts = format_counts(
            done, total, self._unit, now - self._start_time, now - self._count_start_time, note
        )
        if self._console.is_terminal:
            self._live_display.update(
                self._task, description=escape(label), completed=done, total=total, counts=escape(counts),
                visible=True,
            )  # fmt: skip
        elif now - self._last_write_time >= self._interval_seconds:
            self._last_write_time, self._last_label = now, label
            self._write_line(f"{label}: {counts}")

    def _write_line(self, line: str) -> None:
        print(f"{self._command}: {line}", file=self._console.file, flush=True)


def format_counts(
    done: float,
    total: float | None,
    unit: str,
    elapsed_seconds: float,
    counted_seconds: float,
    note: str = "",
) -> str:
    """Such as "3 of 10 files, 42 s so far, about 1 min 38 s left"; without a total there is no time left.

    elapsed_seconds: since the command began; counted: since the first of `done` began
    """
    of = "" if total is None else f" of {total:.0f}"
    parts = [f"{int(done)}{of} {unit}".rstrip(), f"{format_seconds(elapsed_seconds)} so far"]
    if total is not None and 0 < done < total:
        parts.append(f"about {format_seconds(counted_seconds / done * (total - done))} left")
    return ", ".join([*parts, note] if note else parts)


def format_seconds(seconds: float) -> str:
    """Such as "42 s", "3 min 5 s" or "2 h 10 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

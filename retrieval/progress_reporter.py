"""Progress of a long job on standard error: a live line on a terminal, else periodic plain lines."""

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
REFRESH_SECONDS = 1.0  # seconds between refreshes on a terminal
MIN_ESTIMATE_SHARE = 0.02  # of a job, or ...
MIN_ESTIMATE_SECONDS = 60.0  # ... of it: before, a job that begins slowly seems to take much longer


class ProgressReporter:
    """Reports the progress, the elapsed time and the estimated remaining time of a job.

    A context manager; `update` may be called at any rate, and the display refreshes between calls. Without a
    terminal nothing is written for jobs shorter than `interval_seconds`; longer ones end with a line "done".
    """

    def __init__(
        self, command: str, *, unit: str = "", quiet: bool = False, interval_seconds: float | None = None,
        stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Start the clock.

        command: name of the command, the prefix of every plain line
        unit: plural noun of what is counted, such as "files"
        quiet: write nothing at all
        interval_seconds: seconds between plain lines
        """
        self._command, self._unit, self._quiet, self._clock = command, unit, quiet, clock
        self._interval_seconds = PLAIN_LINE_SECONDS if interval_seconds is None else interval_seconds
        self._console = Console(file=sys.stderr if stream is None else stream)
        self._start_time = self._last_write_time = self._count_start_time = clock()
        self._last_update: tuple[str, float, float | None, str] | None = None  # by the last `update`
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
        """Update the progress: `done` of `total` units, which may be fractions.

        done = 0 restarts the estimate of the remaining time, so that one job can follow another.

        label: name of the current job
        note: appended text, such as the number of failures
        """
        with self._lock:
            if done == 0:
                self._count_start_time = self._clock()
            self._last_update = label, done, total, note
            self._show()

    def _run_refresh_loop(self) -> None:
        """Refresh the display periodically, because one unit of the job may take long."""
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
    """Text such as "3 of 10 files, 42 s so far, about 1 min 38 s left"; without a total no time left.

    elapsed_seconds: since the start of the command
    counted_seconds: since the start of the first unit of `done`
    """
    total_text = "" if total is None else f" of {total:.0f}"
    parts = [f"{int(done)}{total_text} {unit}".rstrip(), f"{format_seconds(elapsed_seconds)} so far"]
    if total is not None and 0 < done < total and _can_estimate(done / total, counted_seconds):
        parts.append(f"about {format_seconds(counted_seconds / done * (total - done))} left")
    return ", ".join([*parts, note] if note else parts)


def _can_estimate(share: float, seconds: float) -> bool:
    """Whether enough of a job is done to tell how long the rest takes."""
    return share >= MIN_ESTIMATE_SHARE or seconds >= MIN_ESTIMATE_SECONDS


def format_seconds(seconds: float) -> str:
    """A duration as text, such as "42 s", "3 min 5 s" or "2 h 10 min"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

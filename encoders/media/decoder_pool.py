"""Decoding in worker processes, so that a file that crashes, hangs or bombs a decoder costs only itself.

A worker is a fresh interpreter (nothing of the parent is forked or imported again) that reads one file
after another and answers over a pipe. The pipe is the back-pressure: it takes less than a segment, so a
worker is one segment ahead of whoever reads its events. Time is kept by an alarm the kernel fires at the
worker, memory by its address space.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Pipe, wait
from pathlib import Path
from typing import TypeAlias

from encoders.base import MediaError
from encoders.media.decoder_worker import OpenedFile, format_memory_reason
from encoders.media.decoding_progress import DecodingProgress
from encoders.media.segments import DEFAULT_LIMITS, DEFAULT_SAMPLING, Limits, Sampling, Segment, TrackName

_WORKER_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from encoders.media.decoder_worker import serve; serve()"
)


@dataclass(frozen=True)
class DecodedSegment:
    """One segment of a file."""

    path: Path
    segment: Segment


@dataclass(frozen=True)
class FinishedFile:
    """All of a file that can be read was read, or is not wanted; `incomplete_reason` says what can't."""

    path: Path
    incomplete_reason: str | None = None


@dataclass(frozen=True)
class FailedFile:
    """A file that can't be read (further), and why."""

    path: Path
    error: MediaError


DecodingEvent: TypeAlias = OpenedFile | DecodedSegment | FinishedFile | FailedFile


def accept_every_file(_: OpenedFile) -> bool:
    """Every file is wanted."""
    return True


class DecoderPool:
    """`jobs` decoding processes, to be used in a `with` statement.

    `reader` names the function that workers read with, as "module:function": it yields a Probe and
    then Segments.
    """

    def __init__(
        self,
        jobs: int,
        sampling: Sampling = DEFAULT_SAMPLING,
        limits: Limits = DEFAULT_LIMITS,
        reader: str = "encoders.media:read_media",
    ) -> None:
        if jobs < 1:
            raise ValueError(f"{jobs} jobs; at least one is needed")
        self._jobs, self._worker_settings = jobs, (reader, sampling, limits)
        self._workers: list[_Worker] = []

    def __enter__(self) -> DecoderPool:
        self._workers = [_Worker(*self._worker_settings) for _ in range(self._jobs)]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers = []

    def read(
        self, paths: Iterable[Path], should_decode: Callable[[OpenedFile], bool] = accept_every_file
    ) -> Iterator[DecodingEvent]:
        """Events of all files as they come: for each file Opened, Parts and Finished, or at last Failed.

        Files are taken from `paths` as workers get free. Where `should_decode` says no after Opened, the file
        is not decoded and Finished follows. Raises RuntimeError outside the `with` statement.
        """
        if not self._workers:
            raise RuntimeError("a DecoderPool reads inside its with statement only")
        queue, idle = iter(paths), list(self._workers)
        busy: list[_Worker] = []
        try:
            while _assign_files(queue, idle, busy):
                ready = wait([worker.connection for worker in busy])
                for worker in [worker for worker in busy if worker.connection in ready]:
                    event = worker.receive_event(should_decode)
                    if event is None:
                        continue
                    if isinstance(event, FinishedFile | FailedFile):
                        busy.remove(worker)
                        idle.append(worker)
                    yield event
        finally:
            for worker in busy:  # the caller left in the middle of a file
                worker.stop()


def _assign_files(paths: Iterator[Path], idle_workers: list[_Worker], busy_workers: list[_Worker]) -> bool:
    """Give every idle worker a file while there are any; True if some worker has one."""
    while idle_workers:
        path = next(paths, None)
        if path is None:
            break
        worker = idle_workers.pop()
        worker.start_file(path)
        busy_workers.append(worker)
    return bool(busy_workers)


class _Worker:
    """The parent's end of one process; it starts again by itself when it died."""

    def __init__(self, reader: str, sampling: Sampling, limits: Limits) -> None:
        self._settings, self._limits = (reader, sampling, limits), limits
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Launch the process; it gets ready by itself."""
        self.connection, theirs = Pipe()
        self._stderr_file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER_CODE, str(theirs.fileno()), json.dumps(sys.path)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,  # nothing is written; it closes when we end, however we end
            stdout=subprocess.DEVNULL,
            stderr=self._stderr_file,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the parent
        )
        theirs.close()
        self._send(self._settings)

    def stop(self) -> None:
        """End the process at once; it holds nothing worth saving."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self.connection.close()
            self._stderr_file.close()
            self._process = None

    def start_file(self, path: Path) -> None:
        """Give it a file to read."""
        self._progress = DecodingProgress(path)
        self._request_file(None)

    def receive_event(self, should_decode: Callable[[OpenedFile], bool]) -> DecodingEvent | None:
        """What it says next; None for what it said already, or if it begins anew without a track."""
        path = self._progress.path
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            return self._retry_without_track(self._make_crash_error())
        if isinstance(message, MediaError):
            return FailedFile(path, self._progress.crash_error or message)
        if message is None:
            return FinishedFile(path, "; ".join(self._progress.notes) or None)
        if isinstance(message, OpenedFile):
            known = self._progress.opened is not None
            self._send(known or should_decode(message))
            return self._progress.record_opened(message)
        return DecodedSegment(path, message) if self._progress.record_segment(message) else None

    def _request_file(self, skip_track: TrackName | None) -> None:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self.start()
        self._send((self._progress.path, skip_track))

    def _retry_without_track(self, crash_error: MediaError) -> DecodingEvent | None:
        """Read a film whose decoder died again without its sound, then without its pictures."""
        without = self._progress.select_track_to_skip(crash_error)
        if without is None:
            return FailedFile(self._progress.path, self._progress.crash_error or crash_error)
        self._request_file(without)
        return None

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: event() will say why
            self.connection.send(message)

    def _make_crash_error(self) -> MediaError:
        code = self._process.wait() if self._process is not None else 0
        self._stderr_file.seek(0)
        said = self._stderr_file.read().decode(errors="replace").strip()
        self.stop()
        # Killed by a machine out of memory, or ended by an error nobody foresaw: not the file's fault.
        passing = code == -signal.SIGKILL or (code >= 0 and "bad_alloc" not in said)
        return MediaError(
            self._progress.path, _format_exit_reason(code, said, self._limits), is_permanent=not passing
        )


def _format_exit_reason(exit_code: int, stderr_text: str, limits: Limits) -> str:
    """Why a worker ended, from its exit status and what it wrote to stderr."""
    if exit_code == -signal.SIGALRM:
        return f"decoding took longer than {limits.timeout_seconds:g} s"
    if "bad_alloc" in stderr_text:
        return format_memory_reason(limits)
    if exit_code < 0:
        names = {number.value: number.name for number in signal.Signals}
        return f"decoder crashed (signal {names.get(-exit_code, -exit_code)})"
    return (
        f"decoder failed: {stderr_text.splitlines()[-1][:200] if stderr_text else f'exit status {exit_code}'}"
    )

"""Decoding in worker processes: a file that crashes, hangs or exhausts a decoder affects no other file.

A worker is a new interpreter (the parent is neither forked nor imported again) that decodes one file after
another and answers over a pipe. The pipe gives back-pressure: it buffers less than a segment, so a worker is
at most one segment ahead of the consumer. Time is limited by an alarm signal of the kernel, memory by the
size of the address space.
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
    """The end of a file that was decoded or skipped; `incomplete_reason` names what can't be decoded."""

    path: Path
    incomplete_reason: str | None = None


@dataclass(frozen=True)
class FailedFile:
    """A file that can't be decoded (further), and the error."""

    path: Path
    error: MediaError


DecodingEvent: TypeAlias = OpenedFile | DecodedSegment | FinishedFile | FailedFile


def accept_every_file(_: OpenedFile) -> bool:
    """Decode every file."""
    return True


class DecoderPool:
    """`jobs` decoder processes, to be used in a `with` statement.

    `reader` names the function that workers call, as "module:function"; it yields a Probe, then Segments.
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
        """Events of all files: for each OpenedFile, DecodedSegments and FinishedFile, or FailedFile.

        Files are taken from `paths` as workers become idle. If `should_decode` returns False for an
        OpenedFile, FinishedFile follows. Raises RuntimeError outside the `with` statement.
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
            for worker in busy:  # the caller stopped in the middle of a file
                worker.stop()


def _assign_files(paths: Iterator[Path], idle_workers: list[_Worker], busy_workers: list[_Worker]) -> bool:
    """Assign a file to every idle worker while there are files; True if any worker is busy."""
    while idle_workers:
        path = next(paths, None)
        if path is None:
            break
        worker = idle_workers.pop()
        worker.start_file(path)
        busy_workers.append(worker)
    return bool(busy_workers)


class _Worker:
    """The parent's side of one worker process, which is restarted after a crash."""

    def __init__(self, reader: str, sampling: Sampling, limits: Limits) -> None:
        self._settings, self._limits = (reader, sampling, limits), limits
        self._skip_track = sampling.skip_track
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Launch the process and send it the settings."""
        self.connection, worker_end = Pipe()
        self._stderr_file = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER_CODE, str(worker_end.fileno()), json.dumps(sys.path)],
            pass_fds=[worker_end.fileno()],
            stdin=subprocess.PIPE,  # nothing is written; it closes when the parent ends, in any way
            stdout=subprocess.DEVNULL,
            stderr=self._stderr_file,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the parent
        )
        worker_end.close()
        self._send(self._settings)

    def stop(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self.connection.close()
            self._stderr_file.close()
            self._process = None

    def start_file(self, path: Path) -> None:
        """Send the process a file to decode."""
        self._progress = DecodingProgress(path)
        if self._skip_track:  # without the other track nothing would be left
            self._progress.untried_tracks.clear()
        self._request_file(self._skip_track)

    def receive_event(self, should_decode: Callable[[OpenedFile], bool]) -> DecodingEvent | None:
        """The next event; None for one passed on before a crash, or after a restart without a track."""
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
            was_opened = self._progress.opened is not None
            self._send(was_opened or should_decode(message))
            return self._progress.record_opened(message)
        return DecodedSegment(path, message) if self._progress.record_segment(message) else None

    def _request_file(self, skip_track: TrackName | None) -> None:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self.start()
        self._send((self._progress.path, skip_track))

    def _retry_without_track(self, crash_error: MediaError) -> DecodingEvent | None:
        """Decode a film whose decoder crashed again without its sound, then without its pictures."""
        skipped_track = self._progress.select_track_to_skip(crash_error)
        if skipped_track is None:
            return FailedFile(self._progress.path, self._progress.crash_error or crash_error)
        self._request_file(skipped_track)
        return None

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it crashed: `receive_event` gives the reason
            self.connection.send(message)

    def _make_crash_error(self) -> MediaError:
        code = self._process.wait() if self._process is not None else 0
        self._stderr_file.seek(0)
        stderr_text = self._stderr_file.read().decode(errors="replace").strip()
        self.stop()
        # Killed when the machine ran out of memory, or ended by an unforeseen error: not the file's fault.
        may_pass = code == -signal.SIGKILL or (code >= 0 and "bad_alloc" not in stderr_text)
        return MediaError(
            self._progress.path,
            _format_exit_reason(code, stderr_text, self._limits),
            is_permanent=not may_pass,
        )


def _format_exit_reason(exit_code: int, stderr_text: str, limits: Limits) -> str:
    """Reason that a worker ended, from its exit status and its stderr."""
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

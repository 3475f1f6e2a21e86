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

from encoders.base import BadMedia
from encoders.media.decoder_worker import Opened, too_much
from encoders.media.decoding_progress import FileReading
from encoders.media.segments import LIMITS, SAMPLING, Limits, Sampling, Segment, Track

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from encoders.media.decoder_worker import serve; serve()"
)


@dataclass(frozen=True)
class Part:
    """One segment of a file."""

    path: Path
    segment: Segment


@dataclass(frozen=True)
class Finished:
    """All of a file that can be read was read, or skipped as not wanted; `incomplete` says what can't."""

    path: Path
    incomplete: str | None = None


@dataclass(frozen=True)
class Failed:
    """A file that can't be read (further), and why."""

    path: Path
    error: BadMedia


Event: TypeAlias = Opened | Part | Finished | Failed


def always(_: Opened) -> bool:
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
        sampling: Sampling = SAMPLING,
        limits: Limits = LIMITS,
        reader: str = "encoders.media:read",
    ) -> None:
        if jobs < 1:
            raise ValueError(f"{jobs} jobs; at least one is needed")
        self._jobs, self._orders = jobs, (reader, sampling, limits)
        self._workers: list[_Worker] = []

    def __enter__(self) -> DecoderPool:
        self._workers = [_Worker(*self._orders) for _ in range(self._jobs)]
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers = []

    def read(self, paths: Iterable[Path], wanted: Callable[[Opened], bool] = always) -> Iterator[Event]:
        """Events of all files as they come: for each file Opened, Parts and Finished, or at last Failed.

        Files are taken from `paths` as workers get free. Where `wanted` says no after Opened, the file
        is not decoded and Finished follows. Raises RuntimeError outside the `with` statement.
        """
        if not self._workers:
            raise RuntimeError("a DecoderPool reads inside its with statement only")
        queue, idle = iter(paths), list(self._workers)
        busy: list[_Worker] = []
        try:
            while _hand_out(queue, idle, busy):
                ready = wait([worker.connection for worker in busy])
                for worker in [worker for worker in busy if worker.connection in ready]:
                    event = worker.event(wanted)
                    if event is None:
                        continue
                    if isinstance(event, Finished | Failed):
                        busy.remove(worker)
                        idle.append(worker)
                    yield event
        finally:
            for worker in busy:  # the caller left in the middle of a file
                worker.stop()


def _hand_out(queue: Iterator[Path], idle: list[_Worker], busy: list[_Worker]) -> bool:
    """Give every idle worker a file while there are any; True if some worker has one."""
    while idle:
        path = next(queue, None)
        if path is None:
            break
        worker = idle.pop()
        worker.take(path)
        busy.append(worker)
    return bool(busy)


class _Worker:
    """The parent's end of one process; it starts again by itself when it died."""

    def __init__(self, reader: str, sampling: Sampling, limits: Limits) -> None:
        self._orders, self._limits = (reader, sampling, limits), limits
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Launch the process; it gets ready by itself."""
        self.connection, theirs = Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, str(theirs.fileno()), json.dumps(sys.path)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,  # nothing is written; it closes when we end, however we end
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,  # Ctrl-C is for the parent
        )
        theirs.close()
        self._send(self._orders)

    def stop(self) -> None:
        """End the process at once; it holds nothing worth saving."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self.connection.close()
            self._log.close()
            self._process = None

    def take(self, path: Path) -> None:
        """Give it a file to read."""
        self._reading = FileReading(path)
        self._ask(None)

    def event(self, wanted: Callable[[Opened], bool]) -> Event | None:
        """What it says next; None for what it said already, or if it begins anew without a track."""
        path = self._reading.path
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            return self._retry(self._death())
        if isinstance(message, BadMedia):
            return Failed(path, self._reading.death or message)
        if message is None:
            return Finished(path, "; ".join(self._reading.notes) or None)
        if isinstance(message, Opened):
            known = self._reading.opened is not None
            self._send(known or wanted(message))
            return self._reading.open(message)
        return Part(path, message) if self._reading.add(message) else None

    def _ask(self, without: Track | None) -> None:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self.start()
        self._send((self._reading.path, without))

    def _retry(self, death: BadMedia) -> Event | None:
        """Read a film whose decoder died again without its sound, then without its pictures."""
        without = self._reading.leave_out(death)
        if without is None:
            return Failed(self._reading.path, self._reading.death or death)
        self._ask(without)
        return None

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: event() will say why
            self.connection.send(message)

    def _death(self) -> BadMedia:
        code = self._process.wait() if self._process is not None else 0
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip()
        self.stop()
        # Killed by a machine out of memory, or ended by an error nobody foresaw: not the file's fault.
        passing = code == -signal.SIGKILL or (code >= 0 and "bad_alloc" not in said)
        return BadMedia(self._reading.path, _cause(code, said, self._limits), lasting=not passing)


def _cause(code: int, said: str, limits: Limits) -> str:
    """Why a worker ended, from its exit status and what it wrote to stderr."""
    if code == -signal.SIGALRM:
        return f"decoding took longer than {limits.seconds:g} s"
    if "bad_alloc" in said:
        return too_much(limits)
    if code < 0:
        names = {number.value: number.name for number in signal.Signals}
        return f"decoder crashed (signal {names.get(-code, -code)})"
    return f"decoder failed: {said.splitlines()[-1][:200] if said else f'exit status {code}'}"

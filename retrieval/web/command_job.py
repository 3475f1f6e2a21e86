"""Commands that write to the library, each in a process of its own, one at a time.

A process of its own: the page answers meanwhile, a crash of a decoder or a full memory costs the page
nothing, and stopping it is Ctrl-C, which commits what is encoded. It stops likewise once its standard input
is closed, which the kernel does where the server is killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

from encoders import AffectError
from retrieval.cluster import MilvusUrl
from retrieval.library_location import LIBRARY_VARIABLE, Location
from retrieval.web.errors import ApiError

JobKind = Literal["index", "train"]
LOG_LINES = 50
STOP_SECONDS = 6.0  # to wait for it; it ends itself after `encoders.interrupts.GRACE_SECONDS`
KILL_SECONDS = 0.5  # from a second Ctrl-C until it is killed
MAX_LINE_BYTES = 64 << 20  # of the summary of a run, which names every file that failed
CONFLICT = 409


class CommandJob:
    """The command that runs, or that ran last.

    The library is named in the environment: a URL may hold a password, and arguments are seen by all users.

    progress: the last line of progress
    summary:  what it printed at its end
    error:    why it failed; None if it did not
    pid:      of its process; None if none was started
    """

    def __init__(self, location: Location) -> None:
        name = location.to_full_text() if isinstance(location, MilvusUrl) else str(location)
        self._environment = {**os.environ, LIBRARY_VARIABLE: name}
        self.kind: JobKind | None = None
        self.is_running = False
        self.progress: dict[str, Any] | None = None
        self.summary: dict[str, Any] | None = None
        self.error: str | None = None
        self.pid: int | None = None
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._process: Process | None = None
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def to_json(self) -> dict[str, Any]:
        """Its state, as the API gives it."""
        return {
            "job": self.kind,
            "running": self.is_running,
            "progress": self.progress,
            "summary": self.summary,
            "error": self.error,
            "log": list(self._log),
        }

    def start(
        self, kind: JobKind, arguments: Sequence[str], prepare: Callable[[], object] = lambda: None
    ) -> None:
        """Start `affect ARGUMENTS` after `prepare`, which runs on a thread. Raises ApiError if one runs."""
        self.check_idle()
        self.kind, self.is_running, self._is_stopping = kind, True, False
        self.progress = self.summary = self.error = None
        self._log.clear()
        self._task = asyncio.create_task(self._run(arguments, prepare))
        self._notify()

    def check_idle(self) -> None:
        """Raises ApiError if a command runs."""
        if self.is_running:
            raise ApiError(CONFLICT, f"affect {self.kind} is running; wait for it, or stop it")

    async def stop(self, grace_seconds: float = STOP_SECONDS) -> None:
        """Stop it as Ctrl-C does, and wait until it has ended.

        After so many seconds it is stopped without the commit of what it has encoded since the last one.
        """
        if self._task is None or self._task.done():
            return
        self._is_stopping = True
        for number, seconds in (
            (signal.SIGINT, grace_seconds),
            (signal.SIGINT, KILL_SECONDS),
            (signal.SIGKILL, KILL_SECONDS),
        ):
            self._send_signal(number)
            if (await asyncio.wait({self._task}, timeout=seconds))[0]:
                return

    def _send_signal(self, number: signal.Signals) -> None:
        """To its process; its decoders end with it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def wait_for_change(self, timeout_seconds: float) -> None:
        """Return when its state has changed, or after a time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_seconds)

    def _notify(self) -> None:
        """Wake up all that wait for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _run(self, arguments: Sequence[str], prepare: Callable[[], object]) -> None:
        try:
            await asyncio.to_thread(prepare)
            if not self._is_stopping:
                await self._run_process(arguments)
        except (AffectError, OSError) as error:
            self.error = str(error)
        finally:
            self.is_running, self._process = False, None
            self._notify()

    async def _run_process(self, arguments: Sequence[str]) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "retrieval", "--end-with-input", *arguments,
            stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=MAX_LINE_BYTES, start_new_session=True,
            env=self._environment,
        )  # fmt: skip
        self.pid = process.pid
        if self._is_stopping:
            process.send_signal(signal.SIGINT)
        assert process.stdout and process.stderr
        await asyncio.gather(
            self._read_lines(process.stdout, self._handle_output),
            self._read_lines(process.stderr, self._handle_message),
        )
        if await process.wait() and not self._is_stopping:
            self.error = self._log[-1] if self._log else f"affect {self.kind} ended with {process.returncode}"

    async def _read_lines(self, stream: asyncio.StreamReader, handle: Callable[[str], None]) -> None:
        async for line in stream:
            handle(line.decode("utf-8", "replace").rstrip())
            self._notify()

    def _handle_output(self, line: str) -> None:
        record = json.loads(line)
        if record.keys() == {"progress"}:
            self.progress = record["progress"]
        else:
            self.summary = record

    def _handle_message(self, line: str) -> None:
        if line:
            self._log.append(line.removeprefix("affect: "))

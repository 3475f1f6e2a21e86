"""The inside of a decoding process: one file after another, each step under an alarm and a memory limit."""

from __future__ import annotations

import hashlib
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias, cast

from encoders.base import MediaError
from encoders.interrupts import exit_with_pipe
from encoders.media.format_detection import make_media_error
from encoders.media.segments import Limits, Probe, Sampling, Segment

_CHUNK_BYTES = 1 << 20

MediaReader: TypeAlias = Callable[[Path, Sampling, Limits], Iterator[Probe | Segment]]


@dataclass(frozen=True, kw_only=True)
class OpenedFile:
    """A file that is media: the hash of its content (32 hexadecimal digits) and what it holds."""

    path: Path
    digest: str
    probe: Probe

    @property
    def item_id(self) -> str:
        """What the content is known by."""
        return self.digest[:16]


def serve() -> None:
    """Answer the parent over the pipe named on the command line, until the parent is gone.

    It sends (reader, sampling, limits), then (path, track to leave out or None). Each is answered by
    Opened, and once the parent has said whether it wants more, by Segments and None; or by MediaError at
    any point.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exit_with_pipe(0)  # the parent holds the other end
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends a decoder that holds the interpreter
    connection = Connection(int(sys.argv[1]))
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        reader, sampling, limits = connection.recv()
        module, function = reader.split(":")
        read = getattr(import_module(module), function)
        _limit_memory(limits.max_memory_bytes)
        while True:
            path, without = connection.recv()
            _process_file(connection, path, read, replace(sampling, skip_track=without), limits)


def _process_file(
    connection: Connection, path: Path, reader: MediaReader, sampling: Sampling, limits: Limits
) -> None:
    try:
        pieces = reader(path, sampling, limits)
        with _limit_time(limits.timeout_seconds):
            found = next(pieces)
        connection.send(
            OpenedFile(
                path=path, digest=_compute_digest(path, limits.timeout_seconds), probe=cast(Probe, found)
            )
        )
        if connection.recv():
            _send_segments(connection, pieces, limits.timeout_seconds)
        connection.send(None)
    except MediaError as error:
        connection.send(error)
    except MemoryError:
        connection.send(MediaError(path, format_memory_reason(limits)))


def format_memory_reason(limits: Limits) -> str:
    """Why a file is given up that wants more memory than a worker may have."""
    return f"decoding needs more than {limits.max_memory_bytes / 2**30:g} GiB of memory"


def _send_segments(
    connection: Connection, segments: Iterator[Probe | Segment], timeout_seconds: float
) -> None:
    while True:
        with _limit_time(timeout_seconds):
            piece = next(segments, None)
        if piece is None:
            return
        connection.send(piece)  # waits here, without an alarm, while the parent is busy


def _compute_digest(path: Path, timeout_seconds: float) -> str:
    """blake2b of the content; the alarm is for each chunk, as a large file may take its time."""
    hashed = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb", buffering=0) as file:
            while True:
                with _limit_time(timeout_seconds):
                    chunk = file.read(_CHUNK_BYTES)
                if not chunk:
                    return hashed.hexdigest()
                hashed.update(chunk)
    except OSError as error:
        raise make_media_error(path, error) from None


@contextmanager
def _limit_time(seconds: float) -> Iterator[None]:
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_memory(max_bytes: int) -> None:
    """Allow `max_bytes` bytes of address space above what is mapped now, and no core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    mapped = Path("/proc/self/statm")
    if mapped.exists():  # elsewhere than on Linux the system's own limit has to do
        at_rest = int(mapped.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (at_rest + max_bytes, resource.RLIM_INFINITY))

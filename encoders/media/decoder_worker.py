"""Main loop of a decoder process: one file after another, each step under an alarm and a memory limit."""

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
    """A file that is media: the hash of its content (32 hexadecimal digits) and its metadata."""

    path: Path
    digest: str
    probe: Probe

    @property
    def item_id(self) -> str:
        """Id of the content."""
        return self.digest[:16]


def serve() -> None:
    """Answer the parent over the pipe given on the command line, until the parent ends.

    The parent sends (reader, sampling, limits), then (path, track to skip or None) per file. The answer is an
    OpenedFile and, after the parent has replied whether to decode it, Segments and None; or a MediaError at
    any point.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    exit_with_pipe(0)  # the parent holds the other end
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends a decoder that holds the GIL
    connection = Connection(int(sys.argv[1]))
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        reader, sampling, limits = connection.recv()
        module, function = reader.split(":")
        read = getattr(import_module(module), function)
        _limit_memory(limits.max_memory_bytes)
        while True:
            path, skip_track = connection.recv()
            _process_file(connection, path, read, replace(sampling, skip_track=skip_track), limits)


def _process_file(
    connection: Connection, path: Path, reader: MediaReader, sampling: Sampling, limits: Limits
) -> None:
    try:
        parts = reader(path, sampling, limits)
        with _limit_time(limits.timeout_seconds):
            probe = next(parts)
        connection.send(
            OpenedFile(
                path=path, digest=_compute_digest(path, limits.timeout_seconds), probe=cast(Probe, probe)
            )
        )
        if connection.recv():
            _send_segments(connection, parts, limits.timeout_seconds)
        connection.send(None)
    except MediaError as error:
        connection.send(error)
    except MemoryError:
        connection.send(MediaError(path, format_memory_reason(limits)))


def format_memory_reason(limits: Limits) -> str:
    """Reason for a file that needs more memory than a worker may allocate."""
    return f"decoding needs more than {limits.max_memory_bytes / 2**30:g} GiB of memory"


def _send_segments(
    connection: Connection, segments: Iterator[Probe | Segment], timeout_seconds: float
) -> None:
    while True:
        with _limit_time(timeout_seconds):
            segment = next(segments, None)
        if segment is None:
            return
        connection.send(segment)  # blocks, without an alarm, while the parent is busy


def _compute_digest(path: Path, timeout_seconds: float) -> str:
    """blake2b of the content; the alarm is for each chunk, as a large file may take long."""
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
    """Limit the address space to `max_bytes` above what is mapped now, and forbid core files."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    statm_path = Path("/proc/self/statm")
    if statm_path.exists():  # Linux only; elsewhere the system's own limit holds
        mapped_bytes = int(statm_path.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped_bytes + max_bytes, resource.RLIM_INFINITY))

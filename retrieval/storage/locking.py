"""The write lock of a library's folder, and file system errors as AffectError."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from encoders import AffectError, describe_os_error, to_printable

DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LOCK_NAME = "lock"
LOCK_RETRIES, LOCK_WAIT_SECONDS = 4, 0.05  # number of retries, seconds between them


class LockedLibraryError(AffectError):
    """Another process holds the write lock of a library's folder.

    writer_pid: its id, "unknown" where that can't be told
    """

    def __init__(self, folder: Path, writer_pid: str) -> None:
        self.writer_pid = writer_pid
        super().__init__(
            f"{to_printable(folder)}: process {writer_pid} is writing to this library; wait until it is "
            "done, or stop it (searching goes on meanwhile)"
        )


@contextlib.contextmanager
def translate_disk_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError on a library's files into an AffectError of one line."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL_ERRNOS:
            raise AffectError(f"{to_printable(folder)}: {describe_os_error(error)}") from error
        raise AffectError(
            f"{to_printable(folder)}: no space left to write ({error.strerror}); what was committed is safe, "
            "make room and run the same command again"
        ) from error


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the write lock of a library's folder. Raises LockedLibraryError if another process holds it."""
    with contextlib.ExitStack() as stack:
        with translate_disk_errors(folder):
            lock = stack.enter_context((folder / LOCK_NAME).open("a+b", buffering=0))
            try:
                _acquire_lock(lock)
            except BlockingIOError as error:
                lock.seek(0)
                raise LockedLibraryError(folder, lock.read().decode() or "unknown") from error
        with contextlib.suppress(OSError):  # the process id only serves the message above: ignore a full disk
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.truncate(0)  # else the next writer would go by this id until it has written its own


def _acquire_lock(lock_file: BinaryIO) -> None:
    """Take the exclusive lock. Raises BlockingIOError if another process holds it.

    Several attempts, because `find_writer_pid` of another process holds the lock for an instant.
    """
    for delay_seconds in (*[LOCK_WAIT_SECONDS] * LOCK_RETRIES, 0.0):
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not delay_seconds:
                raise
            time.sleep(delay_seconds)


def find_writer_pid(folder: Path) -> str | None:
    """The id of the process that holds the write lock of a library's folder; None if none does."""
    try:
        with (folder / LOCK_NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(OSError):
            return (folder / LOCK_NAME).read_text(errors="replace") or "unknown"
        return "unknown"
    except OSError:  # no lock file yet, or unreadable: the writer is unknown
        return None
    return None

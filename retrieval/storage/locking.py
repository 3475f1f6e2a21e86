"""What the file system may say of a library's folder, and the right to write in it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from encoders import AffectError, to_printable

DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LOCK_NAME = "lock"
LOCK_RETRIES, LOCK_WAIT_SECONDS = 4, 0.05  # how often, and for how many seconds, a lock is waited for


@contextlib.contextmanager
def translate_disk_errors(folder: Path) -> Iterator[None]:
    """Turns what the system says of a library's files into one clear line."""
    try:
        yield
    except OSError as bad:
        if bad.errno not in DISK_FULL_ERRNOS:
            raise AffectError(f"{to_printable(folder)}: {(bad.strerror or str(bad)).lower()}") from bad
        raise AffectError(
            f"{to_printable(folder)}: no space left to write ({bad.strerror}); what was committed is safe, "
            "make room and run the same command again"
        ) from bad


@contextlib.contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """The right to write in a library's folder. Raises AffectError if another process has it."""
    with contextlib.ExitStack() as stack:
        with translate_disk_errors(folder):
            lock = stack.enter_context((folder / LOCK_NAME).open("a+b", buffering=0))
            try:
                _acquire_lock(lock)
            except BlockingIOError as taken:
                lock.seek(0)
                raise AffectError(
                    f"{to_printable(folder)}: process {lock.read().decode() or 'unknown'} is writing to this "
                    "library; wait until it is done, or stop it (searching goes on meanwhile)"
                ) from taken
        with contextlib.suppress(
            OSError
        ):  # the number is only for the message above: a full disk may do without
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        yield


def _acquire_lock(lock_file: BinaryIO) -> None:
    """Take the exclusive lock. Raises BlockingIOError if another process keeps it.

    `find_writer` of another process holds the lock for an instant, so one refusal is not believed.
    """
    for wait in (*[LOCK_WAIT_SECONDS] * LOCK_RETRIES, 0.0):
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not wait:
                raise
            time.sleep(wait)


def find_writer_pid(folder: Path) -> str | None:
    """The number of the process that has the right to write in a library's folder; None if nobody has."""
    try:
        with (folder / LOCK_NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with contextlib.suppress(OSError):
            return (folder / LOCK_NAME).read_text(errors="replace") or "unknown"
        return "unknown"
    except OSError:  # never written to, or not to be read: then nobody here can tell
        return None
    return None

"""Exit on a signal: at once, without a traceback, and without files written in part.

KeyboardInterrupt may be raised inside an import, a destructor or a callback from native code, where it is
printed, swallowed or ends in abort(). So commands exit by os._exit, from a thread that waits for signals.
Work that must reach a safe point first runs inside `stop_at_safe_points`.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import select
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

GRACE_SECONDS = 5.0  # seconds until the next safe point
SHOW_CURSOR_SEQUENCE = b"\r\x1b[2K\x1b[?25h"  # also clears the line that a progress bar left

_draft_paths: set[Path] = set()


class _StopRequest:
    """Number of open sections that stop at safe points only, and whether a signal requested to stop."""

    open_sections = 0
    is_pending = False


def exit_on_signals(message: str) -> None:
    """Let SIGINT, SIGTERM and SIGHUP end this process; SIGINT writes `message` and exits with 130.

    SIGTERM and SIGHUP stay ignored if they were (nohup). SIGINT is ignored once the interpreter ends: the
    command has said its last word, and its exit code stands. Call it once, in the main thread.
    """
    numbers = {signal.SIGINT}  # also where a shell started us with it ignored, in the background
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            numbers.add(number)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda *_: None)  # the number goes to the pipe, also during native code
    threading.Thread(target=_wait_for_signal, args=(reader, numbers, message), daemon=True).start()
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # else Python restores SIG_DFL, which kills


@contextlib.contextmanager
def stop_at_safe_points() -> Iterator[None]:
    """Context in which a signal raises KeyboardInterrupt at `stop_if_requested` or at the end.

    If neither is reached within GRACE_SECONDS, or a second signal comes, the process exits. Without
    `exit_on_signals` it changes nothing.
    """
    _StopRequest.open_sections += 1
    try:
        yield
        stop_if_requested()
    finally:
        _StopRequest.open_sections -= 1


def stop_if_requested() -> None:
    """Raise KeyboardInterrupt if a signal asked to stop."""
    if _StopRequest.is_pending:
        raise KeyboardInterrupt


@contextlib.contextmanager
def make_draft_path(path: Path) -> Iterator[Path]:
    """A hidden path in the folder of `path`, with the same suffix, to write and then rename.

    A file left at it is removed at the end, also when a signal ends the process.
    """
    with remove_at_end(name_draft(path)) as draft:
        yield draft


def name_draft(path: Path) -> Path:
    """A hidden path in the folder of `path`, with the same suffix, that no other call gives."""
    return path.with_name(f".{os.urandom(8).hex()}{path.suffix}")


@contextlib.contextmanager
def remove_at_end(draft: Path) -> Iterator[Path]:
    """Remove a file or folder, if there is one, at the end, also when a signal ends the process.

    Not when native code crashes: another process has to remove it then.
    """
    _draft_paths.add(draft)
    try:
        yield draft
    finally:
        _remove(draft)
        _draft_paths.discard(draft)


@contextlib.contextmanager
def make_temporary_folder() -> Iterator[Path]:
    """A new folder for temporary files, removed at the end, also when a signal ends the process."""
    import tempfile

    with make_draft_path(Path(tempfile.gettempdir(), "folder.affect")) as folder:
        folder.mkdir(mode=0o700)
        yield folder


def exit_with_pipe(descriptor: int) -> None:
    """Let the kernel end this process once the other end of a pipe is closed, even inside native code.

    Nothing may be written to the pipe. Only Linux ends it; elsewhere the signal is ignored.
    """
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([descriptor], [], [], 0)[0]:  # closed before that
        os._exit(1)


def stop_at_end_of_input() -> None:
    """Let the end of standard input act as Ctrl-C: whoever holds the other end of the pipe has ended."""
    threading.Thread(target=_interrupt_at_end_of_input, daemon=True).start()


def exit_with_parent() -> None:
    """Let a process of multiprocessing end once its parent has ended; Ctrl-C is for the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _interrupt_at_end_of_input() -> None:
    while os.read(0, 1024):
        pass
    null = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):
        os.dup2(null, output)  # nobody reads them, and a broken pipe would end this process before it commits
    os.kill(os.getpid(), signal.SIGINT)


def _exit_after_parent() -> None:
    from multiprocessing import parent_process

    if (parent := parent_process()) is not None:
        parent.join()
        _remove_drafts()
        os._exit(1)


def _wait_for_signal(pipe_reader: int, signals: set[signal.Signals], message: str) -> None:
    """Read signal numbers from the wake-up pipe until one ends the process."""
    while (number := os.read(pipe_reader, 1)[0]) not in signals:
        pass
    if _StopRequest.open_sections:
        _StopRequest.is_pending = True
        select.select([pipe_reader], [], [], GRACE_SECONDS)
    _exit_process(number, message)


def _exit_process(signal_number: int, message: str) -> None:
    """End the process, without destructors: they may wait for threads, or abort."""
    _remove_drafts()
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, SHOW_CURSOR_SEQUENCE)
        if signal_number == signal.SIGINT:
            os.write(2, message.encode())
    os._exit(128 + signal_number)


def _remove_drafts() -> None:
    for draft in list(_draft_paths):
        _remove(draft)


def _remove(path: Path) -> None:
    if path.is_dir():
        import shutil

        shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)

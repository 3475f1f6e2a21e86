"""The command on a terminal of a given width: a pseudo-terminal, as people have one."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import pytest
from library_factory import ROOT

from retrieval.cli.main import main


def on_terminal(width, *words):
    """(exit code, lines) of the command in this process, with a terminal of `width` columns as its output."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with (
        _terminal(width) as (theirs, said),
        _as_standard_output(theirs),
        patch.dict(os.environ, {**kept, "TERM": "xterm"}, clear=True),
        pytest.raises(SystemExit) as end,
    ):
        main(list(map(os.fspath, words)), prog_name="affect")
    return end.value.code or 0, _to_lines(said)


def on_terminal_process(width, *words, env=None):
    """The same in a process of its own, with more of an environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    with _terminal(width) as (theirs, said):
        run = subprocess.run(
            [sys.executable, "-m", "retrieval", *map(os.fspath, words)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL, check=False,
            env={**kept, "TERM": "xterm", **(env or {})},
        )  # fmt: skip
    return run.returncode, _to_lines(said)


@contextmanager
def _terminal(width):
    """The descriptor to write to, and a list of what was written, which is whole at the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    said = []
    reader = Thread(target=lambda: said.extend(iter(lambda: _read(ours), b"")))
    reader.start()
    try:
        yield theirs, said
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""


@contextmanager
def _as_standard_output(descriptor):
    """Python's stream and the descriptor 1, whose size is asked for; standard error goes nowhere."""
    before = os.dup(1)
    os.dup2(descriptor, 1)
    try:
        with (
            os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors="surrogateescape") as stream,
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(stream),
            redirect_stderr(nowhere),
        ):
            yield
    finally:
        os.dup2(before, 1)
        os.close(before)


def _to_lines(said):
    plain = re.sub(r"\x1b\[[0-9;]*m", "", b"".join(said).decode())
    return plain.replace("\r\n", "\n").splitlines()

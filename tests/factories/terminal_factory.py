"""The command on a terminal of a given width: a pseudo-terminal, as people have one."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from library_factory import ROOT


def on_terminal(width, *words, env=None):
    """(exit code, lines) of the command with standard output on a terminal of `width` columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    run = subprocess.Popen(
        [sys.executable, "-m", "retrieval", *map(os.fspath, words)],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL,
        env={**kept, "TERM": "xterm", **(env or {})},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while chunk := _read(ours):
        said += chunk
    os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.decode())
    return run.wait(), plain.replace("\r\n", "\n").splitlines()


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other end is closed
        return b""

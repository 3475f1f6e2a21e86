"""Signals to commands in processes of their own."""

import re
import signal
import time
from pathlib import Path


def await_signal_handler(run):
    """Until SIGINT is caught and the thread that waits for it runs; before that it is the interpreter's."""
    while run.poll() is None:
        status = Path(f"/proc/{run.pid}/status").read_text()
        caught, threads = (re.search(rf"{name}:\s*(\w+)", status) for name in ("SigCgt", "Threads"))
        if caught and int(caught[1], 16) & 1 << (signal.SIGINT - 1) and int(threads[1]) > 1:
            return
        time.sleep(0.001)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_end(pids, seconds=30):
    """Whether processes end, which on a busy machine takes a while."""
    limit = time.monotonic() + seconds
    while any(map(is_running, pids)) and time.monotonic() < limit:
        time.sleep(0.02)
    return not any(map(is_running, pids))

"""`affect serve` as a process of its own."""

import re
import subprocess
import sys
from contextlib import contextmanager

from repository import ROOT


@contextmanager
def run_server_process(*options, cwd=ROOT, env=None):
    """(process, address) of `affect serve OPTIONS` at a free port, killed at the end if it still runs."""
    command = [sys.executable, "-m", "retrieval", "serve", *map(str, options), "--port", "0"]
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=-1, stderr=-1, text=True)
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + process.communicate()[1]
        yield process, found[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()

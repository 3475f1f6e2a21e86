"""Memory of a process and all it starts, watched from outside through /proc."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
PAUSE = 0.02  # seconds between looks
PROPORTIONAL = 5  # every so many looks, the proportional set size too


@dataclass(kw_only=True)
class Peak:
    """Bytes. `total` is the most that all processes held at one moment, a page that k of them share counted
    as a k-th in each (proportional set size); `resident` counts it in full in each, an upper bound;
    `workers` is that of all but the main process; `largest` is the kernel's own peak of a single process.
    """

    total: int = 0
    resident: int = 0
    workers: int = 0
    largest: int = 0
    looks: int = 0
    seconds: float = 0.0
    output: str = field(default="", repr=False)
    code: int = 0

    def look(self, pid: int) -> None:
        """Take in what a process and its offspring hold now."""
        held = {one: resident(one) for one in family(pid)}
        self.resident = max(self.resident, sum(held.values()))
        self.workers = max(self.workers, sum(size for one, size in held.items() if one != pid))
        if self.looks % PROPORTIONAL == 0:  # the kernel walks every page for it
            self.total = max(self.total, sum(proportional(one) for one in held))
        self.looks += 1


def watched(command: Sequence[str], log: Path) -> Peak:
    """Run a command to its end, its output and errors into `log`, and tell its peak."""
    peak, begin = Peak(), time.perf_counter()
    with log.open("wb") as stream:
        child = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            peak.look(child.pid)
            time.sleep(PAUSE)
        child.returncode = os.waitstatus_to_exitcode(status)
    peak.seconds = time.perf_counter() - begin
    peak.largest, peak.code = used.ru_maxrss * 1024, child.returncode
    peak.output = log.read_text(errors="replace")
    return peak


def family(pid: int) -> list[int]:
    """A process and all its descendants that live."""
    parents = {int(entry.name): parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found = [pid]
    for one in found:  # grows while it is walked
        found += [child for child, above in parents.items() if above == one]
    return found


def parent(entry: Path) -> int:
    """The parent of a /proc entry; 0 for one that has just ended."""
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def resident(pid: int) -> int:
    """Bytes of a process that are in memory; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (FileNotFoundError, ProcessLookupError):
        return 0


def proportional(pid: int) -> int:
    """Bytes of a process that are in memory, shared ones divided by their users; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

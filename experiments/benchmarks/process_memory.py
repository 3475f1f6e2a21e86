"""Memory of a process and all it starts, watched from outside through /proc."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
POLL_SECONDS = 0.02  # seconds between looks
PSS_SAMPLE_INTERVAL = 5  # every so many looks, the proportional set size too


@dataclass(kw_only=True)
class PeakMemory:
    """Bytes. `peak_pss` is the most that all processes held at one moment, a page that k of them share
    counted as a k-th in each (proportional set size); `peak_rss` counts it in full in each, an upper bound;
    `peak_worker_rss` is that of all but the main process; `max_process_rss` is the kernel's own peak of a
    single process.
    """

    peak_pss: int = 0
    peak_rss: int = 0
    peak_worker_rss: int = 0
    max_process_rss: int = 0
    sample_count: int = 0
    elapsed_seconds: float = 0.0
    output: str = field(default="", repr=False)
    exit_code: int = 0

    def sample(self, pid: int) -> None:
        """Take in what a process and its offspring hold now."""
        held = {one: read_rss(one) for one in list_process_tree(pid)}
        self.peak_rss = max(self.peak_rss, sum(held.values()))
        self.peak_worker_rss = max(
            self.peak_worker_rss, sum(size for one, size in held.items() if one != pid)
        )
        if self.sample_count % PSS_SAMPLE_INTERVAL == 0:  # the kernel walks every page for it
            self.peak_pss = max(self.peak_pss, sum(read_pss(one) for one in held))
        self.sample_count += 1


def run_and_measure_memory(command: Sequence[str], log_path: Path) -> PeakMemory:
    """Run a command to its end, its output and errors into `log_path`, and tell its peak."""
    peak, begin = PeakMemory(), time.perf_counter()
    with log_path.open("wb") as stream:
        child = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            peak.sample(child.pid)
            time.sleep(POLL_SECONDS)
        child.returncode = os.waitstatus_to_exitcode(status)
    peak.elapsed_seconds = time.perf_counter() - begin
    peak.max_process_rss, peak.exit_code = used.ru_maxrss * 1024, child.returncode
    peak.output = log_path.read_text(errors="replace")
    return peak


def list_process_tree(pid: int) -> list[int]:
    """A process and all its descendants that live."""
    parents = {
        int(entry.name): read_parent_pid(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()
    }
    found = [pid]
    for one in found:  # grows while it is walked
        found += [child for child, above in parents.items() if above == one]
    return found


def read_parent_pid(proc_folder: Path) -> int:
    """The parent of a /proc entry; 0 for one that has just ended."""
    try:
        return int((proc_folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def read_rss(pid: int) -> int:
    """Bytes of a process that are in memory; 0 when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        return 0


def read_pss(pid: int) -> int:
    """Bytes of a process that are in memory, shared ones divided by their users; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

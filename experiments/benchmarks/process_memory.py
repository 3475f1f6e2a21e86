"""Peak memory of a command and all processes it starts."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

POLL_SECONDS = 0.02  # between two samples
PSS_SAMPLE_INTERVAL = 5  # samples between two of the PSS, for which the kernel walks every page


@dataclass(kw_only=True)
class PeakMemory:
    """Peaks in bytes.

    peak_pss: proportional set size of all processes together: a page that k processes share counts as a k-th
        in each
    peak_rss: resident set size of all processes together, in which it counts in full in each: an upper bound
    peak_worker_rss: resident set size of all processes but the first
    max_process_rss: resident set size of the largest single process, as the kernel recorded it
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
        """Update the peaks with the present memory of a process and its descendants."""
        processes = list_process_tree(pid)
        rss_by_pid = {process.pid: read_rss(process) for process in processes}
        total = sum(rss_by_pid.values())
        self.peak_rss = max(self.peak_rss, total)
        self.peak_worker_rss = max(self.peak_worker_rss, total - rss_by_pid.get(pid, 0))
        if self.sample_count % PSS_SAMPLE_INTERVAL == 0:
            self.peak_pss = max(self.peak_pss, sum(map(read_pss, processes)))
        self.sample_count += 1


def run_and_measure_memory(command: Sequence[str], log_path: Path) -> PeakMemory:
    """Run a command to its end, with its output and errors in `log_path`, and measure its peak memory."""
    peak, start = PeakMemory(), time.perf_counter()
    with log_path.open("wb") as stream:
        child = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            peak.sample(child.pid)
            time.sleep(POLL_SECONDS)
        child.returncode = os.waitstatus_to_exitcode(status)
    peak.elapsed_seconds = time.perf_counter() - start
    peak.max_process_rss, peak.exit_code = usage.ru_maxrss * 1024, child.returncode
    peak.output = log_path.read_text(errors="replace")
    return peak


def list_process_tree(pid: int) -> list[psutil.Process]:
    """A process and all its living descendants; empty when it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def read_rss(process: psutil.Process) -> int:
    """Resident set size in bytes; 0 when the process has ended."""
    return _read_or_zero(lambda: process.memory_info().rss)


def read_pss(process: psutil.Process) -> int:
    """Proportional set size in bytes; 0 when the process has ended."""
    return _read_or_zero(lambda: process.memory_full_info().pss)


def _read_or_zero(read: Callable[[], int]) -> int:
    try:
        return read()
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # the latter of a process that is ending
        return 0

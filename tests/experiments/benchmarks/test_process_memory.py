"""Peak memory of a process tree."""

import os
import sys

import psutil

from experiments.benchmarks import process_memory
from experiments.benchmarks.process_memory import PeakMemory

HOLD = """
import sys, time
from pathlib import Path
held = bytearray(64 << 20)
held[::4096] = b"x" * len(held[::4096])
while not Path(sys.argv[1]).exists():
    time.sleep(0.01)
"""


def test_memory_of_a_process_and_its_children(tmp_path, monkeypatch):
    sample, seen = PeakMemory.sample, tmp_path / "seen"

    def sample_and_release(peak, pid):
        sample(peak, pid)
        if peak.peak_pss > 64 << 20:
            seen.touch()

    monkeypatch.setattr(PeakMemory, "sample", sample_and_release)
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}, sys.argv[1]])"
    peak = process_memory.run_and_measure_memory([sys.executable, "-c", code, seen], tmp_path / "log")
    assert peak.exit_code == 0 and peak.sample_count > 1
    assert (
        peak.peak_worker_rss > 64 << 20
        and peak.peak_rss > peak.peak_worker_rss
        and peak.max_process_rss > 64 << 20
    )
    assert 64 << 20 < peak.peak_pss <= peak.peak_rss
    assert (
        process_memory.run_and_measure_memory(
            [sys.executable, "-c", "print(1); exit(3)"], tmp_path / "log"
        ).exit_code
        == 3
    )
    assert (
        process_memory.read_rss(psutil.Process()) > 0
        and process_memory.list_process_tree(os.getpid())[0] == psutil.Process()
    )

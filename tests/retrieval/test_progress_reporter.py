"""Progress on standard error: plain lines without a terminal, a live line on one."""

import io
import os
import pty
import subprocess
import sys
import threading

import pytest

from retrieval.progress_reporter import ProgressReporter, format_counts, format_seconds


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self):
        return self.now


def run_job(seconds_a_step, steps, *, fails=False):
    """Lines written by a job of equal steps to a stream that is no terminal."""
    clock, stream = Clock(), io.StringIO()
    try:
        with ProgressReporter("affect", unit="files", stream=stream, clock=clock) as report:
            for done in range(1, steps + 1):
                clock.now += seconds_a_step
                report.update("reading", done, steps)
            if fails:
                raise KeyError
    except KeyError:
        assert fails
    return stream.getvalue().splitlines()


def test_a_short_job_writes_nothing():
    assert run_job(0.9, 11) == []


def test_a_long_job_writes_a_line_every_ten_seconds_with_the_time_left_and_one_at_the_end():
    assert run_job(4, 8) == [
        "affect: reading: 3 of 8 files, 12 s so far, about 20 s left",
        "affect: reading: 6 of 8 files, 24 s so far, about 8 s left",
        "affect: reading: done in 32 s",
    ]


def test_a_job_that_fails_is_not_called_done():
    assert run_job(10, 1, fails=True) == ["affect: reading: 1 of 1 files, 10 s so far"]


def test_one_label_after_another_and_a_name_that_looks_like_markup():
    clock, stream = Clock(), io.StringIO()
    with ProgressReporter("align", stream=stream, clock=clock) as report:
        for label, done in (("a [red]", 1), ("b", 2.5)):
            clock.now += 10
            report.update(label, done, 4, note="1 failed")
    assert stream.getvalue().splitlines() == [
        "align: a [red]: 1 of 4, 10 s so far, about 30 s left, 1 failed",
        "align: b: 2 of 4, 20 s so far, about 12 s left, 1 failed",
        "align: b: done in 20 s",
    ]


def test_the_time_left_of_a_second_job_is_reckoned_from_its_own_beginning():
    clock, stream = Clock(), io.StringIO()
    with ProgressReporter("affect", stream=stream, clock=clock) as report:
        clock.now += 9
        report.update("training", 0, 4)
        clock.now += 2
        report.update("training", 1, 4)
    assert stream.getvalue().splitlines()[0] == "affect: training: 1 of 4, 11 s so far, about 6 s left"


@pytest.mark.parametrize(
    ("done", "total", "line"),
    [
        (0, 9, "0 of 9 files, 30 s so far"),  # nothing done says nothing of the time left
        (5, None, "5 files, 30 s so far"),
        (0.5, 2, "0 of 2 files, 30 s so far, about 1 min 30 s left"),
        (2, 2, "2 of 2 files, 30 s so far"),
        (1, 99, "1 of 99 files, 30 s so far"),  # the first files take longest
    ],
)
def test_counts(done, total, line):
    assert format_counts(done, total, "files", 30, 30) == line


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (7830, "2 h 10 min")]
)
def test_seconds(seconds, said):
    assert format_seconds(seconds) == said


JOB = """
from retrieval.progress_reporter import ProgressReporter
with ProgressReporter("affect", unit="files", interval_seconds=0) as report:
    report.update("reading", 3, 8)
"""


class NotifyingStream(io.StringIO):
    """Says when something was written."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def write(self, text):
        count = super().write(text)
        self.written.set()
        return count


def test_lines_come_while_one_part_takes_long():
    clock, stream = Clock(), NotifyingStream()
    with ProgressReporter("affect", interval_seconds=1, stream=stream, clock=clock) as report:
        report.update("reading", 0, 2)
        assert not stream.getvalue()
        clock.now += 7
        assert stream.written.wait(60)
    assert stream.getvalue().splitlines()[0] == "affect: reading: 0 of 2, 7 s so far"


def test_a_quiet_job_writes_nothing():
    clock, stream = Clock(), io.StringIO()
    with ProgressReporter("affect", quiet=True, stream=stream, clock=clock) as report:
        clock.now += 60
        report.update("reading", 1, 2)
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_live_line_and_a_pipe_plain_ones():
    plain = subprocess.run([sys.executable, "-c", JOB], capture_output=True, text=True, check=True)
    assert plain.stdout == "" and plain.stderr.startswith("affect: reading: 3 of 8 files, 0 s so far")
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    subprocess.run([sys.executable, "-c", JOB], stderr=child, env=environment, check=True)
    os.close(child)
    drawn = os.read(parent, 1 << 16).decode()
    os.close(parent)
    assert "\x1b[" in drawn and "3 of 8 files" in drawn and "affect: reading" not in drawn

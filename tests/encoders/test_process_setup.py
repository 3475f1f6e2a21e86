"""Streams that take few characters, and output that nobody reads."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from library_factory import ROOT, affect, affect_process

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_stream_of_few_characters_shows_the_rest_in_ascii(shelf, encoding):
    media, lib = shelf
    env = os.environ | ASCII | {"PYTHONIOENCODING": encoding}
    for words in (
        ["search", "--image", media / "photo1.png", "-l", lib],
        ["search", "--image", media / "photo1.png", "-l", lib, "--explain"],
        ["list", "-l", lib],
        ["info", "-l", lib],
        ["search", "--image", media / "gone é.png", "-l", lib],
        ["--help"],
        ["feel", "--help"],
        ["encoders"],
    ):
        done = affect_process(*words, env=env, text=False)
        shown = (done.stdout + done.stderr).decode(encoding)
        assert done.returncode == (2 if "gone" in str(words) else 0) and "Traceback" not in shown, shown
        assert shown.isascii() or encoding != "ascii"
    table = affect_process(
        "search", "--image", media / "photo1.png", "-l", lib, env=env, encoding=encoding
    ).stdout
    assert re.search(r" [01]\.\d\d +#+\.* ", table) and "\\u2588" not in table, table


def test_json_is_the_same_on_a_stream_of_few_characters(shelf):
    media, lib = shelf
    words = "search", "--image", media / "photo1.png", "-l", lib, "--json"
    done = affect_process(*words, env=os.environ | ASCII), affect(*words)
    plain, usual = (json.loads(one.stdout)["results"] for one in done)
    for results in (plain, usual):  # the same bytes: how they are decoded depends on the locale
        for result in results:
            result["path"] = os.fsencode(result["path"])
    assert plain == usual != []


@pytest.mark.parametrize("name", ["ablate", "align", "emotions", "bench"])
def test_experiments_write_to_ascii_streams_too(name):
    code = f"import sys; sys.argv = ['-m']; sys.orig_argv = ['python', '-m', 'experiments.{name}']\n"
    code += r"import experiments, click; click.echo('\u2588 \xb1 \u732b'); click.echo('\xb7', err=True)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=os.environ | ASCII, capture_output=True)
    assert (done.stdout, done.stderr) == (b"# +- \\u732b\n", b"-\n")


def test_output_that_nobody_reads_is_no_traceback(shelf):
    _, lib = shelf
    for words in (f"list -l {lib}", "--help", f"search --item x -l {lib} --help", f"info -l {lib}"):
        line = f"{sys.executable} -m retrieval {words} | true"
        done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True)
        assert done.stderr == "", words


JOB = """
from encoders import set_up_command
set_up_command("affect", "stopped")
import logging, sys
from retrieval.progress_reporter import ProgressReporter
with ProgressReporter("affect", interval_seconds=0) as report:
    report.update("reading", 3, 8)
logging.warning("a file is unreadable")
print("done")
sys.stderr.write("half a line")
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2> >(true)", "2>&-"])
def test_standard_error_that_cannot_be_written_does_not_cost_the_work(redirection):
    command = ["bash", "-c", f'"$0" "$@" {redirection}', sys.executable]
    worked = subprocess.run([*command, "-c", JOB], cwd=ROOT, capture_output=True, text=True)
    assert (worked.returncode, worked.stdout, worked.stderr) == (0, "done\n", "")
    refused = affect_process("info", "-l", "/nowhere", prefix=command[:-1])
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", "")


def test_standard_error_stays_a_terminal():
    parent, child = pty.openpty()
    code = "from encoders import set_up_command; set_up_command('affect', ''); import sys\n"
    code += "print('terminal' if sys.stderr.isatty() else 'file', file=sys.stderr)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=child, check=True)
    os.close(child)
    shown = os.read(parent, 100)
    os.close(parent)
    assert shown.strip() == b"terminal"

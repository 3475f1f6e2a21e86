"""Ctrl-C ends every command of experiments with one line and exit code 130, at any moment."""

import os
import signal
import subprocess
import sys
import time
from importlib import import_module

import click
import pytest
from click.testing import CliRunner
from process_signals import await_signal_handler
from repository import ROOT

from experiments.experiment_command import ExperimentCommand

COMMANDS = {
    "audit": ["--topics", "calibration"],
    "background": ["--data", "{folder}", "--out", "{folder}/background.safetensors"],
    "bench": ["merge"],
    "calibrate": ["--data", "{folder}", "--out", "{folder}/calibration.json"],
    "emotions": ["{folder}/captions.txt", "--out", "{folder}/out"],
    "synthetic": ["--out", "{folder}/clips", "--clips", "400"],
    "train": ["object", "--data-root", "{folder}", "--out", "{folder}/heads"],
}
MODULES = {name: f"experiments.{name}" for name in COMMANDS} | {"synthetic": "experiments.synthetic.__main__"}
LINE = "interrupted; run it again to go on\n"


def get_own_line(name):
    return f"{name}: {LINE}"


@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupt_inside_the_command_is_one_line(name, monkeypatch):
    """As raised at safe points, where click alone would say "Aborted!"."""
    command = import_module(MODULES[name]).main
    assert isinstance(command, ExperimentCommand)

    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(click.Group if isinstance(command, click.Group) else click.Command, "invoke", stop)
    words = [word.format(folder="/nowhere") for word in COMMANDS[name]]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 130 and done.stderr == get_own_line(name)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 0.1, 0.5, 2])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_at_any_moment_is_one_line(tmp_path, name, delay):
    """While modules are imported, and while it works; a short command may have ended."""
    (tmp_path / "captions.txt").write_text("a sad dog on a happy beach\n" * 200_000)
    words = [word.format(folder=tmp_path) for word in COMMANDS[name]]
    run = subprocess.Popen(
        [sys.executable, "-m", f"experiments.{name}", *words], cwd=ROOT, text=True, stdout=-1, stderr=-1,
        env={**os.environ, "AFFECT_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip
    await_signal_handler(run)
    time.sleep(delay)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=120)
    assert "Traceback" not in said and "Aborted" not in said
    if run.returncode != 130:
        assert delay and run.returncode in (0, 1, 2), said
    else:
        assert said.endswith(get_own_line(name)) and said.count(LINE) == 1

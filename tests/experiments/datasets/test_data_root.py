import os
import subprocess
import sys
from pathlib import Path

from repository import ROOT


def run(folder, **variables):
    """The data root that a process in this folder has."""
    code = "from experiments.datasets import DATA_ROOT; print(DATA_ROOT)"
    env = {name: value for name, value in os.environ.items() if name != "AFFECT_DATA"}
    env |= {"PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_it_is_beside_the_repository_from_any_folder(tmp_path):
    assert run(tmp_path) == ROOT.parent / "shared" / "data"


def test_a_variable_sets_it(tmp_path):
    assert run(tmp_path, AFFECT_DATA="/elsewhere") == Path("/elsewhere")

"""Reports of a study: which data they are of, what computed them, and that none overwrites another's."""

import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from alignment_factory import noise
from click.testing import CliRunner
from process_signals import await_signal_handler
from repository import ROOT

from experiments import align
from experiments.alignment.pairs import compute_readings_digest
from experiments.alignment.readings_csv import read_readings_csv

FEW = ("--maps", "procrustes", "--draws", "99")


def command(*arguments):
    return CliRunner().invoke(align.main, [str(part) for part in arguments])


def write_pairs(path, seed=0):
    rows = np.concatenate([noise(25, seed), noise(25, seed + 1)], axis=1)
    lines = ["a.valence,a.arousal,b.valence,b.arousal", *(",".join(map(str, row)) for row in rows)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def read_results(folder):
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    path = write_pairs(folder / "one" / "pairs.csv")
    completed = command("--pairs", path, *FEW, "--seed", 3, "--out", folder / "out")
    assert completed.exit_code == 0, completed.output
    return folder, path


def test_results_say_what_computed_them_and_of_which_data(first):
    folder, path = first
    results = read_results(folder / "out")
    assert results["command"].startswith("python -m experiments.align --pairs ")
    assert results["command"].endswith(f"--draws 99 --seed 3 --out {folder / 'out'}")
    assert set(results) >= {"commit", "modified", "version", "machine"} and results["plan"]["seed"] == 3
    assert {"numpy", "scipy", "torch", "scikit-learn"} <= set(results["machine"]["packages"])
    pairs = read_readings_csv(path).make_pairs()[0]
    assert results["sets"]["pairs: a to b"]["data"] == compute_readings_digest(pairs)
    assert len(results["sets"]["pairs: a to b"]["power"]["power"]) == 9


def test_the_digest_is_that_of_the_readings(tmp_path):
    paths = [write_pairs(tmp_path / f"{number}.csv", seed) for number, seed in enumerate((0, 0, 5))]
    first, same, other = (compute_readings_digest(read_readings_csv(path).make_pairs()[0]) for path in paths)
    assert first == same != other


@pytest.mark.slow
def test_other_data_do_not_overwrite_a_report(first):
    folder, path = first
    before = (folder / "out" / "results.json").read_bytes()
    other = write_pairs(folder / "two" / "pairs.csv", seed=9)
    others = (("--pairs", other), ("--sets", "synthetic-shear"))
    for arguments in others:
        completed = command(*arguments, *FEW, "--out", folder / "out")
        assert completed.exit_code == 2 and completed.stderr.count("\n") == 1
        assert "holds the report of other data (pairs: a to b); name another --out" in completed.stderr
        assert (folder / "out" / "results.json").read_bytes() == before
    again = command("--pairs", path, *FEW, "--out", folder / "out")  # the same data, another seed
    assert again.exit_code == 0, again.output


@pytest.mark.slow
def test_two_files_of_one_name_are_two_sets(first, tmp_path):
    folder, path = first
    other = write_pairs(folder / "two" / "pairs.csv", seed=9)
    completed = command("--pairs", path, "--pairs", other, *FEW, "--out", tmp_path)
    assert completed.exit_code == 0, completed.output
    sets = read_results(tmp_path)["sets"]
    assert list(sets) == ["one/pairs: a to b", "two/pairs: a to b"]
    assert len({entry["data"] for entry in sets.values()}) == 2
    assert {"one-pairs--a-to-b-clouds.png", "two-pairs--a-to-b-clouds.png"} <= {
        file.name for file in tmp_path.iterdir()
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_interrupt_at_any_moment_is_one_line(tmp_path):
    """While modules are imported, files read, maps fitted and plots drawn."""
    path = write_pairs(tmp_path / "pairs.csv")
    arguments = [sys.executable, "-m", "experiments.align", "--pairs", path, *FEW, "--out", tmp_path / "out"]
    ends, started = [], time.monotonic()
    subprocess.run(arguments, cwd=ROOT, capture_output=True, check=True)
    duration = time.monotonic() - started
    for share in (0.15, 0.3, 0.5, 0.7, 0.9):
        shutil.rmtree(tmp_path / "out")
        process = subprocess.Popen(
            arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        await_signal_handler(process)
        time.sleep(share * duration)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=120)
        # a run may be faster than the first: ended, or in the interpreter's shutdown, without a handler
        has_ended = process.returncode in (0, -signal.SIGINT) and (tmp_path / "out" / "results.json").exists()
        ends.append((0, stderr) if has_ended else (process.returncode, stderr))
        (tmp_path / "out").mkdir(exist_ok=True)
    assert (130, "align: interrupted; run it again to go on\n") in ends
    assert set(ends) <= {(0, ""), (130, "align: interrupted; run it again to go on\n")}

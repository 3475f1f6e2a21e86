"""The command `python -m experiments.align`: what it writes, what it keeps, what it says of bad input."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from repository import ROOT

from experiments import align
from experiments.alignment import runner
from experiments.alignment.folds import fold_pairs
from experiments.alignment.loss_ablation import LOSS_VARIANTS, evaluate_variant
from experiments.alignment.set_loaders import make_loaders
from experiments.alignment.study_config import StudyConfig, list_methods
from experiments.alignment.synthetic import CASES, make_synthetic_pairs

FEW = ("--maps", "procrustes,affine", "--draws", "99")


def command(*arguments):
    return CliRunner().invoke(align.main, [str(part) for part in arguments])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("align")
    completed = command("--sets", "synthetic-shear,synthetic-unrelated", *FEW, "--out", out)
    assert completed.exit_code == 0, completed.output
    return out, completed.stdout


def test_printed_summary(done):
    _, completed = done
    assert "synthetic-shear: Linearly alignable: affine leaves" in completed
    assert "synthetic-unrelated: Not alignable on this data" in completed
    assert "report.md, maps.csv, results.json, maps.png, curves.png" in completed


def test_written_files(done):
    out, _ = done
    report = (out / "report.md").read_text()
    for part in (
        "# Alignment study", "## synthetic-shear", "gain on identity", "p (Holm)", "average cosine",
        "rise with swapped axes", "Disparity by number of anchors", "recovered: expected, found",
        "## How the figures were made",
    ):  # fmt: skip
        assert part in report
    lines = list(csv.DictReader(io.StringIO((out / "maps.csv").read_text())))
    assert {(line["set"], line["map"]) for line in lines} == {
        (name, map_)
        for name in ("synthetic-shear", "synthetic-unrelated")
        for map_ in ("identity", "procrustes", "affine")
    }
    affine = next(line for line in lines if line["map"] == "affine" and line["set"] == "synthetic-shear")
    assert float(affine["disparity low"]) < float(affine["disparity"]) < float(affine["disparity high"]) < 0.1
    results = json.loads((out / "results.json").read_text())
    shear = results["sets"]["synthetic-shear"]
    assert shear["verdict"]["standing"] == "linear"
    assert shear["recovered"]["affine"] == {"expected": True, "found": True}
    assert shear["recovered"]["identity"] == {"expected": False, "found": False}
    assert shear["maps"][2]["p"] == 0.01 and shear["procrustes"]["p"] == 0.01
    assert [size for size, _ in shear["maps"][2]["curve"]] == [10, 30, 100, 300]


def test_plots(done):
    out, _ = done
    names = {"maps.png", "curves.png", "synthetic-shear-clouds.png", "synthetic-shear-nulls.png"}
    assert names <= {file.name for file in out.iterdir()}
    for name in names:
        with Image.open(out / name) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        assert min(pixels.shape[:2]) > 200
        assert len(np.unique(pixels @ np.array([65536, 256, 1]))) > 20  # colours


@pytest.mark.slow
def test_finished_outcomes_are_loaded(done, monkeypatch):
    out, _ = done
    before = {name: (out / name).read_bytes() for name in ("report.md", "maps.csv", "maps.png")}

    def never(*_, **__):
        raise AssertionError("done again")

    monkeypatch.setattr(runner, "evaluate_map", never)
    completed = command("--sets", "synthetic-shear,synthetic-unrelated", *FEW, "--out", out, "--json")
    assert completed.exit_code == 0, completed.output
    assert json.loads(completed.stdout)["sets"]["synthetic-shear"]["rows"] == 375
    assert {name: (out / name).read_bytes() for name in before} == before
    again = command("--sets", "synthetic-shear,synthetic-unrelated", *FEW, "--out", out, "--seed", "1")
    assert isinstance(again.exception, AssertionError)


@pytest.mark.slow
def test_pairs_from_a_csv_file(tmp_path):
    """Three senses that see one plane through a turn, with a column of groups."""
    rng = np.random.default_rng(0)
    mood = rng.normal(size=(60, 2)) * 0.3
    senses = {
        "image": mood,
        "sound": mood[:, ::-1] + 0.1 * rng.normal(size=(60, 2)),
        "face": rng.normal(size=(60, 2)),
    }
    with (tmp_path / "clips.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*(f"{name}.{part}" for name in senses for part in ("valence", "arousal")), "group"])
        for at in range(60):
            writer.writerow([*(f"{value:.4f}" for rows in senses.values() for value in rows[at]), at // 5])
    completed = command("--pairs", tmp_path / "clips.csv", *FEW, "--out", tmp_path / "out", "--json")
    assert completed.exit_code == 0, completed.output
    sets = json.loads(completed.stdout)["sets"]
    assert list(sets) == ["clips: image to sound", "clips: image to face", "clips: sound to face"]
    swapped = sets["clips: image to sound"]
    assert swapped["verdict"]["hypothesis"] == "supported" and swapped["exchange"] == "groups"
    assert swapped["maps"][1]["reflection"] == 1
    assert sets["clips: image to face"]["verdict"]["standing"] == "undecided"  # 12 groups can't tell
    (together,) = json.loads(completed.stdout)["several senses together"]
    assert together["senses"] == ["image", "sound", "face"] and together["p"] < 0.05
    assert (
        together["reflections"] in (["sound"], ["sound", "face"])
        and together["disparity"] < together["shuffled"]
    )


@pytest.mark.slow
def test_sets_with_too_few_pairs_are_reported(tmp_path):
    (tmp_path / "short.csv").write_text("a.x,b.x\n" + "1,2\n" * 12)
    completed = command("--pairs", tmp_path / "short.csv", *FEW, "--out", tmp_path / "out")
    assert completed.exit_code == 2 and "12 whole pairs; at least 20 are needed" in completed.stderr
    both = command(
        "--pairs", tmp_path / "short.csv", "--sets", "synthetic-shear", *FEW, "--out", tmp_path / "out"
    )
    assert both.exit_code == 0 and "short: a to b: left out" in both.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--sets", "nothing"), "no set nothing; sets: synthetic, real, synthetic-rotation"),
        (("--maps", "warp"), "no map warp; maps: identity, z-score"),
        (("--pairs", "nowhere.csv"), "nowhere.csv: no such file"),
        (("--sets", "real", "--data-root", "nowhere"), "no sets under nowhere"),
        (("--sets", "cremad_votes", "--data-root", "nowhere"), "summaryTable.csv: not here"),
        (("--draws", "99"), "99 shuffles are too few for 13 maps; 260 at least"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path):
    completed = command(*arguments, "--out", tmp_path / "out")
    assert completed.exit_code == 2, completed.output
    assert (
        message in completed.stderr
        and completed.stderr.count("\n") == 1
        and completed.stderr.startswith("align: ")
    )


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").touch()
    completed = command("--sets", "synthetic-shear", *FEW, "--out", tmp_path / "file")
    assert completed.exit_code == 2 and completed.stderr.count("\n") == 1


def test_default_sets(tmp_path):
    load, several = make_loaders([], (), tmp_path, 0)
    assert list(load) == [f"synthetic-{name}" for name in CASES] and several == []
    (tmp_path / "cremad_votes").mkdir()
    load, _ = make_loaders([], (), tmp_path, 0)
    assert list(load)[-1] == "cremad_votes"
    load, _ = make_loaders(["real"], (), tmp_path, 0)
    assert list(load) == ["cremad_votes"]


@pytest.mark.slow
def test_loss_ablation():
    data = fold_pairs(make_synthetic_pairs("non-linear"), StudyConfig())
    variants = {
        name: evaluate_variant(data, name, seed=0) for name in ("whole", "first term alone", "all linear")
    }
    assert set(variants) < set(LOSS_VARIANTS)
    assert [part.is_collapsed for part in variants.values()] == [False, True, False]
    assert variants["all linear"].non_affine_share < 1e-9 < 0.2 < variants["whole"].non_affine_share
    assert variants["whole"].disparity < 0.3 * variants["all linear"].disparity


@pytest.mark.slow
def test_interrupt_keeps_finished_outcomes(tmp_path, monkeypatch):
    """What was done before is kept."""
    real, count = runner.evaluate_map, []

    def stop(*arguments):
        count.append(1)
        if len(count) > 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(runner, "evaluate_map", stop)
    completed = command("--sets", "synthetic-shear", *FEW, "--out", tmp_path)
    assert completed.exit_code == 130 and completed.stderr == "align: interrupted; run it again to go on\n"
    assert len(list((tmp_path / "trials").iterdir())) == 2 and not (tmp_path / "report.md").exists()
    count.clear()
    monkeypatch.setattr(runner, "evaluate_map", lambda *arguments: (count.append(1), real(*arguments))[1])
    assert command("--sets", "synthetic-shear", *FEW, "--out", tmp_path).exit_code == 0
    assert len(count) == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_interrupted_command_resumes(tmp_path):
    """Two synthetic sets with every map, interrupted while it works, and run again."""
    arguments = [
        sys.executable,
        "-m",
        "experiments.align",
        "--sets",
        "synthetic-non-linear,synthetic-rotation",
    ]
    arguments += ["--draws", "299", "--out", str(tmp_path)]
    first = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    limit = time.monotonic() + 120
    while len(list(tmp_path.glob("trials/*.safetensors"))) < 3:
        assert first.poll() is None and time.monotonic() < limit, first.communicate()
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGINT)
    _, completed = first.communicate(timeout=60)
    assert first.returncode == 130 and completed == "align: interrupted; run it again to go on\n"
    again = subprocess.run([*arguments, "--json"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    report = json.loads(again.stdout)
    assert all(bar["met"] for bar in report["bars"]) and len(report["bars"]) == 3
    assert report["sets"]["synthetic-non-linear"]["verdict"]["standing"] == "non-linear"
    assert len(report["sets"]["synthetic-non-linear"]["maps"]) == len(list_methods())
    assert [part["variant"] for part in report["learned mapping taken apart"]] == list(LOSS_VARIANTS)

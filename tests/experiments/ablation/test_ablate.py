"""The command `python -m experiments.ablate`."""

import csv
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

from experiments import ablate
from experiments.ablation import study, trials


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """60 plain pictures by the words for their colour and side, in three parts."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    colours = {"red": 0, "green": 1, "blue": 2}
    rows = []
    for number in range(60):
        name, side = rng.choice(list(colours)), rng.choice(["left", "right"])
        pixels = rng.integers(0, 60, (32, 32, 3)).astype(np.uint8)
        half = slice(0, 16) if side == "left" else slice(16, 32)
        pixels[:, half, colours[name]] = rng.integers(150, 255)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        split = ["train", "train", "train", "dev", "test"][number % 5]
        rows += [
            (f"{number}.png", f"{article} {name} thing on the {side}", split) for article in ("a", "one")
        ]
    with (folder / "captions.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("media", "caption", "split"), *rows])
    return folder


TOYS = "objects=toy-frames,activity=,sound=,events=,tone=,faces=,text=toy-text"
FEW = (
    "--set",
    "schedule.epochs=2",
    "--set",
    "schedule.warm=1",
    "--set",
    "heads.dim=8",
    "--set",
    "words.width=8",
    "--seeds",
    "1",
)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    if "AFFECT_CACHE" not in os.environ:
        monkeypatch.setenv("AFFECT_CACHE", str(tmp_path_factory.mktemp("cache")))


def command(*arguments):
    return CliRunner().invoke(ablate.main, [str(part) for part in arguments])


@pytest.mark.slow
def test_the_command(pictures, tmp_path):
    arguments = ("--data", pictures, "--encoders", TOYS, "--jobs", 1, "--out", tmp_path, *FEW)
    completed = command(*arguments, "--rows", "1.1 weighted,2.3", "--audio", "toy-sound")
    assert completed.exit_code == 0, completed.output
    assert "1.1 weighted" in completed.stdout and "Ties: in expectation" in completed.stdout
    assert "2.3 zero-shot needs" in completed.stdout.replace("\n", " ")
    assert "1.2 audio by toy-sound needs" in completed.stdout.replace("\n", " ")
    names = {file.name for file in tmp_path.iterdir()}
    assert names >= {"table.md", "table.csv", "results.json", "rows.png", "learning-rsum.png"}
    again = command(*arguments, "--rows", "1.1 weighted", "--json")
    assert json.loads(again.stdout)["settings"]["heads.dim"] == 8


def test_given_features(pictures, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(60):
        np.save(tmp_path / f"{number}.png.npy", rng.normal(size=(2, 5)).astype(np.float32))
    completed = command(
        "--data", pictures, "--features", f"objects={tmp_path}", "--encoders", TOYS, "--rows", "1.2",
        "--jobs", 1, "--out", tmp_path / "out", "--json", *FEW,
    )  # fmt: skip
    assert completed.exit_code == 0, completed.output
    report = json.loads(completed.stdout)
    assert report["encoders"] == {} and [row["name"] for row in report["rows"]] == ["1.2 object"]


def write_set_without_media(folder):
    """A table of 40 clips that are not there, and features of all but two in objects.npz."""
    rng = np.random.default_rng(0)
    words = rng.integers(4, size=(40, 2))
    lines = [f"clips/{n}.mp4,a {'abcd'[one]} on {'wxyz'[other]}" for n, (one, other) in enumerate(words)]
    (folder / "captions.csv").write_text("\n".join(["media,caption", *lines, lines[0]]))
    features = np.concatenate([np.eye(4)[words[:, 0]], np.eye(4)[words[:, 1]]], axis=1)
    np.savez(folder / "objects.npz", **{f"{n}": row for n, row in enumerate(features[:38])})


OWN_LOSS = """
def hinge(similarity, same_item=None):
    cost = (0.2 + similarity - similarity.diagonal()[:, None]).clamp(min=0)
    return cost.masked_fill(same_item, 0).sum()
"""


@pytest.mark.slow
def test_features_without_media_and_a_loss_of_ones_own(tmp_path):
    """From another folder, in two processes, twice: the second time nothing is trained."""
    write_set_without_media(tmp_path)
    (tmp_path / "my_losses.py").write_text(OWN_LOSS)
    arguments = [
        sys.executable, "-m", "experiments.ablate", "--data", "captions.csv", "--jobs", "2", *FEW[:-1], "2",
        "--features", "objects=objects.npz", "--rows", "1.1 InfoNCE", "--loss", "my_losses:hinge",
        "--rules", "clip4clip", "--encoders", "text=toy-text", "--out", "out", "--json",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    trained = []
    for _ in range(2):
        done = subprocess.run(
            arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        trained.append(
            {f: f.stat().st_mtime_ns for f in tmp_path.glob(f"out/trials/*/{trials.HISTORY_FILE}")}
        )
    assert trained[0] == trained[1] and len(trained[0]) == 6
    report = json.loads(done.stdout)
    names = [row["name"] for row in report["rows"]]
    assert names == ["1.1 weighted", "1.1 InfoNCE", "1.1 my_losses:hinge"]
    assert report["rules_name"] == "clip4clip" and report["protocol"]["ties"] == "each"
    assert sum(report["missing_features"]["objects"].values()) == 2
    assert report["feature_files"]["objects"]["path"] == "objects.npz"
    assert any("1 row of captions.csv left out" in note for note in report["notes"])
    assert "--loss my_losses:hinge" in report["provenance"]["command"]
    assert any("whatever the ranking" in flag for flag in report["flags"])
    (tmp_path / "captions.csv").write_text((tmp_path / "captions.csv").read_text().replace(" on ", " in "))
    other = subprocess.run(
        arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert other.returncode == 2
    assert (
        other.stderr
        == "ablate: out/results.json: is of other data; name another folder with --out, or remove it\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--loss", "nowhere:f"), "no module nowhere"),
        (("--data", "nowhere"), "no data set and no file 'nowhere'"),
        (("--data", "synthetic-x"), "synthetic-400"),
        (("--rows", "9.9"), "no row '9.9'"),
        (("--set", "loss.margn=1"), "no setting 'loss.margn'; known: loss.margin"),
        (("--set", "schedule.epochs=many"), "not a whole number"),
        (("--set", "loss.margin=inf"), "is not a number"),
        (("--rules", "trec"), "no rules 'trec'; known: project, jemc, vse++, ce"),
        (("--set", "rules.ties=last"), "setting rules.ties: 'last'; known: expected, average"),
        (("--features", "smell=x"), "no role smell; roles: objects"),
        (("--encoders", "objects=nothing"), "no encoder 'nothing'"),
        (("--word-vectors", "nowhere.txt"), "nowhere.txt"),
    ],
)
def test_bad_input_is_one_line(arguments, message, pictures, tmp_path):
    given = arguments if "--data" in arguments else ("--data", pictures, *arguments)
    given = given if "--encoders" in given else (*given, "--encoders", TOYS)
    completed = command(*given, "--jobs", 1, "--out", tmp_path / "out", *FEW)
    assert completed.exit_code == 2
    assert (
        message in completed.stderr
        and completed.stderr.count("\n") == 1
        and completed.stderr.startswith("ablate: ")
    )


def test_unwritable_folder(pictures, tmp_path):
    (tmp_path / "file").touch()
    completed = command("--data", pictures, "--encoders", TOYS, "--out", tmp_path / "file", *FEW)
    assert completed.exit_code == 2 and completed.stderr.count("\n") == 1


def test_sets_with_labels_are_refused(tmp_path):
    folder = tmp_path / "oasis"
    folder.mkdir()
    (folder / "oasis.csv").write_text("file,theme_base,split\na.jpg,Lake,train\n")
    completed = command("--data", "oasis", "--data-root", tmp_path, "--out", tmp_path / "out")
    assert completed.exit_code == 2 and "class labels, not captions" in completed.stderr


def test_interrupt(pictures, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "run_trials", stop)
    completed = command("--data", pictures, "--encoders", TOYS, "--jobs", 1, "--out", tmp_path, *FEW)
    assert completed.exit_code == 130 and completed.stderr == "ablate: interrupted; run it again to go on\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_interrupted_command_resumes(tmp_path):
    """A small synthetic set from nothing, interrupted while it trains, and run again."""
    root = ROOT
    long = ["--set", "schedule.epochs=300", "--set", "schedule.patience=0"]  # to be caught while it trains
    options = ["--data", "synthetic-40", "--seeds", "1", *long, "--rows"]
    arguments = [sys.executable, "-m", "experiments.ablate", *options, "1.2,1.5 object + au"]
    arguments += ["--out", str(tmp_path)]
    first = subprocess.Popen(
        arguments, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    limit = time.monotonic() + 600
    while not list(tmp_path.glob(f"trials/*/{trials.CHECKPOINT_FILE}")):
        assert first.poll() is None and time.monotonic() < limit, first.communicate()
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGINT)
    _, completed = first.communicate(timeout=60)
    assert first.returncode == 130
    assert completed.endswith("ablate: interrupted; run it again to go on\n")
    assert "Traceback" not in completed  # but how far it is
    assert not (tmp_path / "table.md").exists()
    done = subprocess.run(
        [*arguments, "--json"], cwd=root, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {"1.2 object", "1.2 audio", "1.5 object + audio"} <= {row["name"] for row in report["rows"]}
    assert (tmp_path / "rows.png").exists() and not list(tmp_path.glob(f"trials/*/{trials.CHECKPOINT_FILE}"))

"""The benchmarks run, and say what they should; how fast they find things to be is not asked here."""

import csv
import json
import subprocess
import sys
from types import SimpleNamespace

import av
import numpy as np
import pytest
from click.testing import CliRunner
from media_factory import tone
from PIL import Image

from experiments import bench
from experiments.benchmarks import search_latency
from experiments.benchmarks.throughput import STAGES

skimage = pytest.importorskip("skimage")
PHOTOS = {"astronaut": "a woman in a space suit", "coffee": "a cup of coffee", "chelsea": "a cat"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Data sets of a few files each, laid out like the real ones."""
    root = tmp_path_factory.mktemp("data")
    folders = ("flickr1k/images", "av_clips/videos", "animal_sounds/audio", "wesnoth_music")
    for folder in folders:
        (root / folder).mkdir(parents=True)
    rows = []
    for name, caption in PHOTOS.items():
        Image.fromarray(getattr(skimage.data, name)()).save(root / folders[0] / f"{name}.jpg")
        rows += [{"image": f"{name}.jpg", "caption": f"{caption}{end}", "split": "dev"} for end in ("", " .")]
    with (root / "flickr1k/captions.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["image", "caption", "split"])
        writer.writeheader()
        writer.writerows(rows)
    portrait(root / folders[1] / "a.mp4")
    tone(root / folders[2] / "a.wav", seconds=1)
    tone(root / folders[3] / "b.wav", seconds=2)
    return root


def portrait(path, frames=3):
    with av.open(str(path), "w") as container:
        film = container.add_stream("libx264", rate=1)
        film.width, film.height, film.pix_fmt = 256, 256, "yuv420p"
        face = np.ascontiguousarray(skimage.data.astronaut()[:256, 100:356])
        for _ in range(frames):
            container.mux(film.encode(av.VideoFrame.from_ndarray(face, format="rgb24")))
        container.mux(film.encode())


def run(*arguments):
    done = CliRunner().invoke(bench.main, [str(part) for part in (*arguments, "--json")])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["bench"] == arguments[0]
    assert report["machine"]["cores"] >= 1 and report["machine"]["packages"]["numpy"] == np.__version__
    assert all(bar.keys() >= {"what", "found", "met"} for bar in report["bars"])
    return SimpleNamespace(**report)


def ordered(cell):
    assert cell["low"] <= cell["value"] <= cell["high"], cell
    return cell["value"]


def test_help_lists_all_and_loads_no_torch():
    code = "import sys; from experiments.bench import main; main(['--help'], standalone_mode=False); "
    code += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in bench.BENCHMARKS)


@pytest.mark.parametrize("name", bench.BENCHMARKS)
def test_every_command_explains_itself(name):
    done = CliRunner().invoke(bench.main, [name, "--help"])
    assert done.exit_code == 0 and "--json" in done.output


def test_errors_are_one_line(tmp_path):
    for arguments in (
        ["flickr", "--data", tmp_path],
        ["throughput", "--data", tmp_path],
        ["index", "--sizes", "x"],
        ["ranks", "--captions", "2", "--videos", "3"],
    ):
        done = CliRunner().invoke(bench.main, [str(part) for part in arguments])
        assert done.exit_code == 2
        assert done.stderr.startswith("bench: ") and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_flickr(data):
    report = run("flickr", "--data", data)
    assert report.settings["photos"] == 3 and report.settings["captions"] == 6
    assert [row["way"] for row in report.rows] == [
        "untrained", "plain ConSE", "untrained less plain", "untrained", "plain ConSE",
    ]  # fmt: skip
    assert ordered(report.rows[0]["R@5"]) == 100 and ordered(report.rows[0]["MnR"]) < 2
    assert ordered(report.rows[2]["R@10"]) == 0


def test_throughput(data):
    report = run("throughput", "--data", data, "--rounds", "1", "--jobs", "1")
    rows = {row["what"]: row for row in report.rows}
    assert [rows[what]["amount"] for what in ("photos", "short sounds", "music")] == [3, 1, 2]
    assert rows["clips"]["amount"] == pytest.approx(3, abs=0.1) and rows["clips"]["failed"] == 0
    for row in rows.values():
        assert ordered(row["a second"]) > 0
        shares = [value for name, value in row.items() if name.startswith("% ")]
        assert len(shares) == len(STAGES) + 1 and sum(shares) == pytest.approx(100) and min(shares) >= 0


@pytest.mark.slow
def test_cold_on_real_and_synthetic_items(data, tmp_path, monkeypatch):
    monkeypatch.setattr(search_latency, "get_cache_dir", lambda: tmp_path)
    for options, items in ((["--items", "5", "--data", data], 5), (["--items", "30", "--synthetic"], 30)):
        report = run("cold", *options, "--runs", "1", "--queries", "2")
        assert report.settings["items"] == items
        assert [ordered(row["median (least to most)"]) > 0 for row in report.rows] == [True, True]
    (library,) = (tmp_path / "bench").iterdir()
    before = (library / "catalog.sqlite").stat().st_ino
    run("cold", "--items", "5", "--data", data, "--runs", "1", "--queries", "2")
    assert (library / "catalog.sqlite").stat().st_ino == before  # it was kept


@pytest.mark.slow
def test_faces(data):
    report = run("faces", "--data", data, "--rounds", "1")
    assert [row["way"] for row in report.rows] == ["ours", "plain"]
    assert [row["faces"] for row in report.rows] == [3, 3]
    assert [ordered(row["% of the other's found"]) for row in report.rows] == [100, 100]


@pytest.mark.slow
def test_memory():
    report = run("memory", "--hours", "0.005", "--jobs", "1")
    total, resident_sum, workers, largest = (row["peak GiB"] for row in report.rows)
    assert 0 < workers < resident_sum and 0.05 < total <= resident_sum and 0.05 < largest < 4
    assert report.bars[0]["found"] == total and report.bars[0]["most"] == 2


def test_merge():
    report = run("merge", "--rounds", "5", "-k", "20")
    assert [row["way"] for row in report.rows] == ["loop over lists", "heap", "closed form"]
    assert ordered(report.rows[2]["closed form is faster by"]) == 1


def test_index_of_clusters_and_of_a_library(tmp_path):
    search_latency.build_synthetic_library(tmp_path / "library", 40, seed=0)
    for options, rows in ((["--sizes", "200"], 200), (["--library", tmp_path / "library"], 30)):
        report = run("index", *options, "--queries", "10", "--trees", "5")
        methods = {row["way"]: row for row in report.rows}
        assert {"exact", "exact, float16", "annoy"} <= set(methods)
        assert {row["rows"] for row in report.rows} == {rows}
        assert (
            ordered(methods["exact"]["recall@10"]) == 1 and 0.5 < ordered(methods["annoy"]["recall@10"]) <= 1
        )


def test_epoch():
    report = run("epoch", "--videos", "8", "--batches", "2", "--batch", "16", "--dim", "12", "--rounds", "2")
    assert [row["way"] for row in report.rows] == ["plain", "ours, float32"]  # too narrow for anything else
    assert all(ordered(row["ms a batch (least to most)"]) > 0 for row in report.rows)
    assert ordered(report.rows[0]["times as fast as plain"]) == 1
    assert report.bars[0]["found"] == ordered(report.rows[1]["times as fast as plain"])
    assert 0 < report.settings["distinct words"] <= report.settings["distinct beginnings"]
    assert report.settings["distinct beginnings"] <= report.settings["steps a batch"]


def test_ranks():
    report = run("ranks", "--captions", "59", "--videos", "20", "--dim", "8", "--asked", "9", "--rounds", "2")
    assert [row["way"] for row in report.rows] == [
        "matrix", "unit rows", "loop, argsort", "loop, stable argsort",
    ]  # fmt: skip
    assert all(ordered(row["T2V, s"]) > 0 and ordered(row["both, s"]) > 0 for row in report.rows)
    assert [0 < row["peak GiB"] < 1 for row in report.rows[:2]] == [True, True]
    assert len(report.bars) == 8
    assert [bar["found"] for bar in report.bars[4:]] == [
        ordered(value) for name, value in report.rows[0].items() if name.startswith("times")
    ]

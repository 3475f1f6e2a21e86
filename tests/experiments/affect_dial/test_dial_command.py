"""The command: its files, its resume, and bad input in one line."""

import json

import numpy as np
import pytest
from library_factory import invoke
from mood_gallery import make_gallery
from PIL import Image

from experiments.affect_dial import study
from experiments.affect_dial.measurement import DIALS, Outcomes
from experiments.affect_dial.summary import summarise
from experiments.emotions import main
from retrieval.evaluation import bootstrap_interval
from retrieval.search import Engine


@pytest.fixture
def toys(monkeypatch):
    """Toy pictures in place of two sets."""
    toys = {name: lambda *settings, name=name: make_gallery(name) for name in ("oasis", "ravdess")}
    monkeypatch.setattr(study, "GALLERIES", toys)


@pytest.mark.slow
def test_files_of_a_run_and_of_one_that_goes_on(toys, tmp_path, monkeypatch):
    out = tmp_path / "dial"
    asked = ("dial", "--data", "oasis,ravdess", "--out", out)
    done = invoke(main, *asked)
    assert done.returncode == 0, done.stderr
    table = (out / "table.md").read_text()
    assert "| dial |" in table and "--mood-from-words" in table and "42 toys" in table
    told = json.loads((out / "results.json").read_text())
    curve = told["sets"]["oasis"]["dial"]["settings"]
    assert [float(point["setting"]) for point in curve] == list(DIALS)
    assert curve[0]["means"]["R@10"]["value"] == 100 and "dial" in told["provenance"]["command"]
    with Image.open(out / "dial.png") as picture:
        assert picture.width > 500 and (out / "dial.png").stat().st_size < 100_000

    def fail(self, query):
        raise AssertionError("measured again")

    search = Engine.search
    monkeypatch.setattr(Engine, "search", fail)
    again = invoke(main, *asked, "--json")
    assert json.loads(again.stdout)["sets"] == told["sets"]
    (trial, _) = sorted((out / "trials").glob("*.safetensors"))
    whole = trial.read_bytes()
    trial.write_bytes(whole[:100])
    monkeypatch.setattr(Engine, "search", search)
    assert invoke(main, *asked).returncode == 0
    assert trial.read_bytes() == whole


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--data", "oasis,moon"), "no set moon; choose from oasis, ravdess, synthetic, flickr1k"),
        (("--data", ","), "names no set"),
        (("--data", "oasis", "--data-root", "nowhere"), "oasis.csv: not here"),
        (("--data", "oasis", "--out", "/dev/null/x"), "/dev/null"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(given, said, tmp_path):
    done = invoke(main, "dial", "--out", tmp_path / "out", *given)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_intervals_are_over_whole_groups_and_differences_paired():
    """Two queries a group that agree: as groups they are half as much evidence."""
    rng = np.random.default_rng(0)
    by_group = np.repeat(rng.normal(50, 20, 30), 2)
    values = np.full((60, 2, 3), np.nan)
    values[:, 0, 1], values[:, 1, 1] = by_group, by_group + 1

    def estimate(groups):
        outcomes = Outcomes(
            settings=("a", "b"), values=values, groups=groups, has_mood=np.ones(60, bool)
        )  # fmt: skip
        first, second = summarise(outcomes, "queries", np.ones(60, bool), seed=0).settings
        assert first.means["distance"] is None and first.differences == {}
        difference = second.differences["R@10"]
        assert difference.value == pytest.approx(1) and difference.high - difference.low < 1e-9
        return first.means["R@10"].high - first.means["R@10"].low

    low, high = bootstrap_interval(by_group, seed=0, groups=np.repeat(np.arange(30), 2))
    whole = estimate(np.repeat(np.arange(30), 2).astype(str))
    assert whole == pytest.approx(high - low, rel=0.1)
    assert 1.2 < whole / estimate(np.arange(60).astype(str)) < 1.6
    nobody = Outcomes(settings=("a", "b"), values=values, groups=by_group.astype(str), has_mood=by_group > 0)
    assert summarise(nobody, "none", np.zeros(60, bool), seed=0) is None

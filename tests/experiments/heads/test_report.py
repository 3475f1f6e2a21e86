"""`python -m experiments.train affect-...` and `--report`: made anew, measured, told beside bars."""

import json

import pytest
from click.testing import CliRunner

from experiments.datasets.data_root import DATA_ROOT
from experiments.heads.report_figure import MetricResult, measure_metric
from experiments.heads.train_affect import (
    EVALUATED_MODULES,
    HEAD_NAMES,
    format_card,
    format_rows,
    import_head_module,
)
from experiments.train import main
from spaces.circumplex import EMOTIONS_FILE


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def test_a_line_is_of_whole_groups():
    pairs = [[at % 7, at % 7 + 0.1 * (at % 3)] for at in range(60)]
    found = measure_metric(
        "set",
        "r",
        pairs,
        lambda some: float(some[:, 0].mean()),
        part="folds",
        seed=0,
        groups=[0] * 60,
        required=9,
    )
    assert found.low == found.high == pytest.approx(found.value)  # one group is drawn as it is
    assert found.count == 60 and found.required == 9


def test_bars_are_told_as_met_or_missed():
    told = {"dataset": "set", "metric": "r", "low": 0.4, "high": 0.6, "count": 10, "part": "dev"}
    met, missed, none = format_rows(
        [
            MetricResult(value=0.5, required=0.5, **told),
            MetricResult(value=0.49, required=0.5, **told),
            MetricResult(value=0.5, **told),
        ]
    )
    assert (met["bar"], missed["bar"], none["bar"]) == ("0.5 met", "0.5 MISSED", "")


@pytest.mark.parametrize("name", EVALUATED_MODULES)
def test_every_module_of_the_report_has_figures(name):
    assert callable(import_head_module(name).evaluate)


@pytest.mark.parametrize("name", HEAD_NAMES)
def test_every_lesson_tells_what_it_learnt_from(name):
    maker = import_head_module(HEAD_NAMES[name])
    assert callable(maker.fit_and_save) and maker.TRAINING_DATA and maker.LICENCE


@pytest.mark.slow
@pytest.mark.data("cowen_keltner_ratings")
def test_emotions_are_made_anew_with_a_card(tmp_path):
    done = run("affect-emotions", "--out", tmp_path, "--json")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "emotions.json").read_bytes() == EMOTIONS_FILE.read_bytes()
    told = (tmp_path / "emotions.md").read_text()
    assert "Cowen and Keltner" in told and "experiments.train affect-emotions --seed 0" in told
    assert "hand table" in told and len(json.loads(done.stdout)["figures"]) == 6


@pytest.mark.slow
@pytest.mark.data("cowen_keltner_ratings")
def test_a_report_of_one(tmp_path):
    done = run("--report", "affect-emotions")
    assert done.exit_code == 0 and "cowen-keltner" in done.output and "measuring categories" in done.stderr


@pytest.mark.data("cowen_keltner_ratings")
def test_nothing_to_measure():
    done = run("--report", "affect-emotions", "--part", "test")
    assert done.exit_code == 2 and "nothing to measure" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("affect-smell",), "no space affect-smell"),
        (("affect-emotions", "object"), "by themselves"),
        (("affect-emotions", "--data", "flickr1k", "--out", "x"), "by themselves"),
        (("affect-emotions", "--data-root", "/nowhere"), "/nowhere"),
        (("affect-text", "--data-root", "/nowhere"), "/nowhere/emobank/emobank.csv: not here"),
        (("--report", "affect-text", "--data-root", "/nowhere"), "nothing to measure on the part folds"),
        (("--report", "--data", "flickr1k"), "so --data would do nothing"),
        (("--report", "--out", "x", "--encoders", "objects=x"), "so --encoders and --out would do nothing"),
        (("--part", "dev"), "--part says what --report measures"),
        (("affect-text", "--part", "folds"), "--part says what --report measures"),
        (("object", "--encoders", "objects=x"), "--encoders are those of --data"),
    ],
)
def test_what_can_not_be_made(words, said):
    done = run(*words)
    assert done.exit_code == 2 and said in done.output and "Traceback" not in done.output


def test_the_card_names_sizes_and_command(tmp_path):
    file = tmp_path / "x.json"
    file.write_text("{}")
    told = format_card("affect-senses", import_head_module("senses"), [file], [], 3)
    assert "x.json" in told and "experiments.train affect-senses --seed 3" in told


@pytest.mark.timeout(1200)  # 900 pictures in several views, from an empty cache
@pytest.mark.slow
@pytest.mark.data("cowen_keltner_ratings")
def test_pictures_and_their_faces_together():
    told = {one.metric: one for one in import_head_module("together").evaluate(DATA_ROOT, seed=0)}
    assert told["valence CCC of both"].count > 100
    assert told["valence CCC of both"].value > told["valence CCC of picture"].value - 0.02
    assert not import_head_module("together").evaluate(DATA_ROOT, seed=0, part="test")

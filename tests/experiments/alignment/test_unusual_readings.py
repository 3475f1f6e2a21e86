"""Studies of one column, of columns that do not vary, and of readings that are missing."""

import json
import math

import numpy as np
import pytest
from alignment_factory import make_pairs, noise, study_pairs
from click.testing import CliRunner

from encoders import AffectError
from experiments import align
from experiments.alignment.pairs import check_columns_vary
from experiments.alignment.plots import make_slugs
from experiments.alignment.study_config import list_methods

FEW = ("--maps", "procrustes,affine", "--draws", "99")


def command(*arguments):
    return CliRunner().invoke(align.main, [str(part) for part in arguments])


def write_csv(path, header, rows):
    lines = [",".join(header), *(",".join(f"{value:.4f}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def refuse_constant(text):
    raise AssertionError(f"{text} is no JSON")


def run_study(tmp_path, header, rows, *options):
    path = write_csv(tmp_path / "mine.csv", header, rows)
    completed = command("--pairs", path, *FEW, *options, "--out", tmp_path / "out")
    assert completed.exit_code == 0, completed.output
    report = (tmp_path / "out" / "report.md").read_text()
    results = json.loads((tmp_path / "out" / "results.json").read_text(), parse_constant=refuse_constant)
    return report, results["sets"]


@pytest.fixture(scope="module")
def one_column(tmp_path_factory):
    source = noise(40, width=1)
    rows = np.concatenate([source, 0.8 * source + 0.2 * noise(40, 1, 1)], axis=1)
    return run_study(tmp_path_factory.mktemp("one"), ["a.valence", "b.valence"], rows)


def test_one_column(one_column):
    report, sets = one_column
    assert sets["mine: a to b"]["verdict"]["standing"] == "linear"
    assert (
        "rise with swapped axes" not in report
        and sets["mine: a to b"]["maps"][0]["rise with swapped axes"] is None
    )


@pytest.mark.slow
def test_a_column_that_does_not_vary_is_named(tmp_path):
    rows = np.concatenate([noise(40), noise(40, 1)], axis=1)
    rows[:, 2:] = rows[:, :2] + 0.2 * rows[:, 2:]
    rows[:, 3] = 0.5
    report, sets = run_study(tmp_path, ["a.valence", "a.arousal", "b.valence", "b.arousal"], rows)
    assert "* Arousal of b is 0.5 in every pair, which tells nothing of it." in report
    assert "nan" not in report and "-0.00 " not in report
    assert sets["mine: a to b"]["verdict"]["hypothesis"] == "not tested"
    assert "arousal of b does not vary" in sets["mine: a to b"]["verdict"]["hypothesis_words"]


def test_readings_that_are_all_alike_are_refused(tmp_path):
    rows = np.full((30, 2), 0.5)
    rows[:, 0] = noise(30, width=1)[:, 0]
    path = write_csv(tmp_path / "mine.csv", ["a.v", "b.v"], rows)
    completed = command("--pairs", path, *FEW, "--out", tmp_path / "out")
    assert completed.exit_code == 2 and completed.stderr.count("\n") == 1
    assert "mine: a to b: b is the same in every pair" in completed.stderr
    with pytest.raises(AffectError, match="one is the same in every pair"):
        check_columns_vary(make_pairs(np.zeros((9, 1)), noise(9, width=1), columns=("v",)))


def test_a_half_that_does_not_vary_has_no_p():
    """0 / 0 must not become the least p there is."""
    target = np.zeros((40, 1))
    pairs = make_pairs(noise(40, width=1), target, columns=("v",))
    with pytest.raises(ValueError, match="held-out half do not vary"):
        study_pairs(pairs, ("identity",))


def test_the_least_number_of_draws_is_in_the_help():
    count = len(list_methods())
    shown = " ".join(command("--help").stdout.split())
    assert f"{math.ceil(count / align.SIGNIFICANCE_LEVEL)} for all {count}" in shown
    align.check_draws(math.ceil(count / align.SIGNIFICANCE_LEVEL), count)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--a", "x", "--b", "y"), "--a, --b and --group name columns of --pairs; give a file"),
        (("--pairs", "x.csv", "--a", "x"), "--a and --b go together"),
    ],
)
def test_columns_need_a_file_and_each_other(arguments, message, tmp_path):
    completed = command(*arguments, "--out", tmp_path / "out")
    assert completed.exit_code == 2 and message in completed.stderr and completed.stderr.count("\n") == 1


def test_pictures_of_two_sets_never_share_a_name():
    assert make_slugs(["a b: x", "a-b: x", "A b  x"]) == ["a-b--x", "a-b--x-2", "A-b--x-3"]

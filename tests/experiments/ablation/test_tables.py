"""Results of rows, their tables and plots."""

import csv
import io
import json
from dataclasses import replace

import pytest
from ablation_factory import SMALL, make_data
from rich.console import Console

from experiments.ablation import tables, trials
from experiments.ablation.notes import RunMetadata
from experiments.ablation.results import measure_rows
from experiments.ablation.row_plan import plan_rows
from experiments.ablation.runner import run_trials
from experiments.ablation.settings import flatten_settings
from experiments.ablation.trials import Trial
from retrieval.evaluation import PUBLISHED_PROTOCOLS, EvaluationProtocol


@pytest.fixture(scope="module")
def corpus():
    return make_data()


@pytest.fixture(scope="module")
def result(corpus, tmp_path_factory):
    """A few rows, measured, one of their trainings collapsed."""
    folder = tmp_path_factory.mktemp("rows")
    plan = plan_rows(
        corpus.present_roles, "gru", prefixes=["1.1 VSE", "1.2", "1.4", "1.5", "2.3"], has_zero_shot=False
    )
    made = [Trial(space=space, seed=seed) for seed in range(2) for space in plan.spaces]
    folders = run_trials(made, corpus, SMALL, folder, jobs=1, quiet=True)
    file = folders[made[0]] / trials.HISTORY_FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), "collapsed": True}))
    results = measure_rows(plan, range(2), folders, corpus, None)
    metadata = RunMetadata(
        data="made-up",
        seeds=2,
        settings=flatten_settings(SMALL),
        encoders={},
        notes=("a note",),
        left_out=plan.left_out,
        rules_name="project",
        protocol=EvaluationProtocol(),
        hashes={},
        feature_files={"sound": {"path": "a.h5", "files": 1, "bytes": 9, "sha256": "0f"}},
        missing_features={},
        flags=("a flag",),
        provenance={"command": "python -m experiments.ablate"},
    )
    return metadata, results


def test_tables_are_well_formed(result, tmp_path):
    metadata, results = result
    report = tables.to_json(metadata, results)
    tables.write_results(tmp_path, metadata, results, report)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "table.csv").read_text())))
    assert [row["row"] for row in rows] == [line.name for line in results.rows]
    for row, line in zip(rows, results.rows, strict=True):
        assert float(row["rsum mean"]) == pytest.approx(line.estimates["rsum"].value)
        assert float(row["rsum low"]) <= float(row["rsum high"])
    text = (tmp_path / "table.md").read_text()
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1
    assert "Left out: 1.2 activity needs activity." in text
    assert "* Flag: a flag." in text
    assert "Features of audio: a.h5, 1 files, 9 bytes, SHA-256 0f." in text
    assert (
        "Rules 'project': Ties: in expectation over random orders of tied items." in text
        and "MdR" in text
        and "all captions" in text
    )
    assert "1 of 2 collapsed" in text
    stored = json.loads((tmp_path / "results.json").read_text())
    assert {row["name"] for row in stored["rows"]} == {line.name for line in results.rows}
    rules = stored["rows"][0]["rules"]
    assert set(rules) == {"project", *PUBLISHED_PROTOCOLS}
    assert rules["project"]["rsum"] == pytest.approx(stored["rows"][0]["figures"]["rsum"]["mean"])
    assert rules["clip4clip"]["V2T MnR"] < rules["project"]["V2T MnR"]  # among items, not captions
    assert stored["rows"][0]["gap"]["words"] and len(stored["spaces"][0]["epochs"]) == 3


def test_terminal_table_has_every_row(result):
    console = Console(width=250, file=io.StringIO())
    console.print(tables.make_terminal_table(*result))
    text = console.file.getvalue()
    assert all(line.name in text for line in result[1].rows)
    bracketed = replace(result[1].rows[0], name="1.5 object + [activity, audio]")
    console.print(tables.make_terminal_table(result[0], replace(result[1], rows=(bracketed,))))
    assert "[activity, audio]" in console.file.getvalue()


def test_reference_rows(result):
    _, results = result
    gaps = {line.name: line.difference.against for line in results.rows if line.difference}
    assert gaps["1.2 audio"] == gaps["1.5 object + audio"] == "1.2 object"
    assert gaps["2.3 ridge: all"] == "1.5 object + audio"
    assert "1.1 weighted" not in gaps and "1.2 object" not in gaps
    for statement in (line.difference.networks for line in results.rows if line.difference):
        assert statement.adjusted_p == min(1, len(gaps) * statement.p)

"""`python -m experiments.emotions harm`: what it writes, prints and refuses."""

import json

import pytest
from click.testing import CliRunner
from happy_captions import SHORT, make_dataset

from experiments.emotion_retrieval.harm import settings as harm_settings
from experiments.emotion_retrieval.harm.caption_videos import split_caption_videos
from experiments.emotion_retrieval.harm.stand_in_setting import StandInSetting
from experiments.emotions import main

PNG = b"\x89PNG"


@pytest.fixture
def run(monkeypatch, tmp_path):
    def load(data_root):
        return StandInSetting(split_caption_videos(make_dataset(), seed=0), SHORT)

    monkeypatch.setitem(harm_settings.HARM_SETTINGS, "msvd", load)

    def run_command(*arguments):
        return CliRunner().invoke(main, ["harm", "--out", str(tmp_path / "out"), *arguments])

    return run_command


def test_table_bars_and_forest_are_written_and_a_second_run_finds_them(run, tmp_path):
    arguments = ("--seeds", "2", "--variants", "add, std 1 (", "--variants", "add, std .1")
    first = run(*arguments)
    assert first.exit_code == 0, first.output
    out = tmp_path / "out"
    assert "| add, std 1 (report) |" in first.output and "predicted if all" in first.output
    assert "* add, std 1 (report): R@1 of all, upper end" in (out / "table.md").read_text()
    assert (out / "report.png").read_bytes().startswith(PNG)
    record = json.loads((out / "results.json").read_text())
    assert record["queries"] == 48 and record["seeds"] == 2
    assert [variant["variant"] for variant in record["variants"]] == [
        "baseline", "add, std .1", "add, std 1 (report)",
    ]  # fmt: skip
    trials = {path: path.stat().st_mtime_ns for path in (out / "trials").glob("*.json")}
    assert len(trials) == 6
    again = run(*arguments, "--json")
    assert json.loads(again.stdout)["variants"] == record["variants"]
    assert {path: path.stat().st_mtime_ns for path in (out / "trials").glob("*.json")} == trials


def test_an_unknown_variant_is_one_line(run):
    refused = run("--variants", "shout")
    assert refused.exit_code == 2
    assert refused.output.splitlines()[-1].startswith("emotions: no variant shout; variants: baseline; ")
    assert "Traceback" not in refused.output

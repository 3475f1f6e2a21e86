"""The folder is a data set, and rendering goes on where it stopped."""

import json
from dataclasses import asdict

from click.testing import CliRunner
from synthetic_clips import COUNT

from experiments.datasets.registry import load_named_dataset
from experiments.synthetic import generate_clips, render
from experiments.synthetic.__main__ import main


def test_the_folder_is_a_data_set(rendered_folder):
    found = load_named_dataset(str(rendered_folder))
    assert len(found.items) == COUNT and len(found.flatten_captions()[0]) == 5 * COUNT
    truth = [json.loads(line) for line in (rendered_folder / "truth.jsonl").read_text().splitlines()]
    assert truth == [asdict(clip) for clip in generate_clips(COUNT, seed=5)]
    assert [item.split for item in found.items] == [clip["split"] for clip in truth]


def test_rendering_goes_on_where_it_stopped(tmp_path, monkeypatch):
    run = CliRunner().invoke(main, ["--out", str(tmp_path), "--clips", "3", "--jobs", "1"])
    assert run.exit_code == 0 and "train" in run.output
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("*.mp4")}
    (tmp_path / "clip00001.mp4").unlink()
    assert len(render.render_dataset(tmp_path, 4, seed=0, quiet=True).items) == 4
    after = {file.name: file.stat().st_mtime_ns for file in tmp_path.glob("*.mp4")}
    assert len(before) == 3 and len(after) == 4
    assert {name for name in before if before[name] == after[name]} == {"clip00000.mp4", "clip00002.mp4"}
    refused = CliRunner().invoke(main, ["--out", str(tmp_path), "--clips", "3", "--seed", "1"])
    assert refused.exit_code == 2 and "another seed" in refused.output

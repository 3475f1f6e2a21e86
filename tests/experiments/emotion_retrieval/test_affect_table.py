"""Affect of videos from a CSV file, and models that take it."""

import json

import numpy as np
import pytest

from encoders.base import AffectError
from encoders.clipvip.io import load_model
from experiments.emotion_retrieval.data.affect_table import read_affect


def write_table(path, text):
    path.write_text(text)
    return path


def test_an_empty_cell_is_missing(tmp_path):
    table = read_affect(write_table(tmp_path / "a.csv", "valence,video_id,arousal\n0.5,v1,-1\n,v2,0\n"))
    assert table.columns == ("valence", "arousal")
    np.testing.assert_array_equal(table.by_video["v1"], [0.5, -1])
    np.testing.assert_array_equal(table.by_video["v2"], [np.nan, 0])
    other = read_affect(write_table(tmp_path / "b.csv", "valence,video_id,arousal\n0.5,v1,-1\n0,v2,0\n"))
    assert table.digest != other.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'wanted the column "video_id" and numbers'),
        ("video,valence\nv1,0\n", 'wanted the column "video_id" and numbers'),
        ("video_id\nv1\n", 'wanted the column "video_id" and numbers'),
        ("video_id,valence\nv1,high\n", "row 1, valence: high is no number; leave it empty"),
        ("video_id,valence\nv1,nan\n", "row 1, valence: nan is no number"),
        ("video_id,valence\nv1,0,1\n", "row 1 has more cells than the header"),
        ("video_id,valence\nv1,0\nv1,1\n", "row 2 is of v1, which has one already"),
    ],
)
def test_a_bad_table_is_one_line(text, message, tmp_path):
    with pytest.raises(AffectError) as raised:
        read_affect(write_table(tmp_path / "bad.csv", text))
    assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.slow
def test_models_take_affect_on_the_video_side(run_emotions, train_arguments, emotion_files, tmp_path):
    rows = "".join(f"clip{number:05d},{number / 24},\n" for number in range(20))
    path = write_table(tmp_path / "affect.csv", f"video_id,valence,arousal\n{rows}")
    out = tmp_path / "out"
    done = run_emotions(
        *train_arguments, "--affect", path, "--conditioning", "none", "--conditioning", "gated-output",
        "--out", out, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    settings = {name: entry["settings"] for name, entry in json.loads(done.stdout)["models"].items()}
    assert settings["none"]["affect"] is None
    assert settings["gated-output"]["affect"]["columns"] == ["valence", "arousal"]
    models = {name: load_model(out / name) for name in settings}
    assert [model.config.affect_dim for model in models.values()] == [0, 2]
    assert models["gated-output"].video.affect_residual.gate.item() != 0
    arguments = [
        "test", out / "none", out / "gated-output", "--records", emotion_files["test"], "--videos",
        emotion_files["videos"], "--frames", emotion_files["frames"], "--draws", 20,
        "--out", tmp_path / "test",
    ]  # fmt: skip
    refused = run_emotions(*arguments)
    assert refused.exit_code == 2
    assert "gated-output: takes 2 numbers of affect a video, not 0" in refused.stderr
    tested = run_emotions(*arguments, "--affect", path, "--json")
    assert tested.exit_code == 0, tested.output
    assert list(json.loads(tested.stdout)["models"]) == ["none", "gated-output"]

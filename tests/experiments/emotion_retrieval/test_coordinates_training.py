"""A model with coordinates of affect is trained and tested as the others are."""

import json

import pytest

from encoders.clipvip.io import load_model
from experiments.emotion_retrieval.training.model_names import MODEL_NAMES


@pytest.mark.slow
def test_coordinates_of_affect_leave_queries_without_emotion_alone(
    run_emotions, train_arguments, emotion_files, tmp_path
):
    """Before training it ranks as the baseline; queries without an emotion would stay so by content alone."""
    assert "affect-coordinates" in MODEL_NAMES
    rows = "".join(f"clip{number:05d},{number / 24 - 0.5}\n" for number in range(24))
    (tmp_path / "affect.csv").write_text(f"video_id,valence\n{rows}")
    trained = run_emotions(
        *train_arguments, "--affect", tmp_path / "affect.csv", "--conditioning", "none", "--conditioning",
        "affect-coordinates", "--epochs", 1, "--rate", 1e-12, "--weight-decay", 0, "--out", tmp_path / "out",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    model = load_model(tmp_path / "out" / "affect-coordinates")
    assert model.config.affect_dim == 1 and model.config.has_coordinates
    tested = run_emotions(
        "test", tmp_path / "out" / "none", tmp_path / "out" / "affect-coordinates", "--records",
        emotion_files["test"], "--videos", emotion_files["videos"], "--frames", emotion_files["frames"],
        "--affect", tmp_path / "affect.csv", "--draws", 20, "--out", tmp_path / "test", "--json",
    )  # fmt: skip
    assert tested.exit_code == 0, tested.output
    difference = json.loads(tested.stdout)["differences"]["affect-coordinates"]["without emotion"]["T2V"]
    assert difference["MnR"]["low"] == difference["MnR"]["high"] == 0

"""`emotions tsne` end to end: rendered videos, two tiny models."""

import json

import pytest
from emotion_videos import list_records, list_words, write_records
from stored_clipvip import save_stored_model
from synthetic_clips import COUNT

from encoders.clipvip.config import REPORT_EMOTIONS
from encoders.lexicon import EMOTIONS

SEED = 5  # of `rendered_folder`


@pytest.fixture(scope="module")
def arguments(rendered_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tsne")
    records = list_records(COUNT, SEED)
    words = list_words(COUNT, SEED)
    return [
        "tsne", save_stored_model(folder / "base", words), write_records(folder / "test.json", records),
        rendered_folder, "--model", save_stored_model(folder / "report", words, emotions=REPORT_EMOTIONS),
        "--frames", folder / "frames", "--device", "cpu", "--draws", 99, "--neighbours", 3,
    ]  # fmt: skip


@pytest.mark.slow
def test_two_models_in_one_map(run_emotions, arguments, tmp_path):
    done = run_emotions(*arguments, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.glob("tsne*")) == [
        "tsne-base.png", "tsne-report.png", "tsne.json",
    ]  # fmt: skip
    found = json.loads((tmp_path / "tsne.json").read_text())
    assert list(found["texts"]) == [*EMOTIONS, "no emotion"] and sum(found["texts"].values()) == COUNT
    for model in ("base", "report"):
        points = found["points"][model]
        assert len(points["text"]) == len(points["video"]) == COUNT
        labels = {one["id"].partition("#")[0]: one["label"] for one in points["text"]}
        assert {one["id"]: one["label"] for one in points["video"]} == labels
        assert set(found["purity"][model]) == {"text", "video", "text and video"}
    first, second = found["points"]["base"], found["points"]["report"]
    assert first["text"] != second["text"]
    assert "by chance" in done.stdout and "tsne-base.png" in done.stdout
    again = run_emotions(*arguments, "--out", tmp_path, "--json")
    assert json.loads(again.stdout)["purity"] == found["purity"] and "points" not in json.loads(again.stdout)


@pytest.mark.slow
def test_what_does_not_go_is_one_line(run_emotions, arguments, tmp_path):
    for options, message in (
        (("--perplexity", 500), "needs more than 96 points"),
        (("--neighbours", 100), "too few for 100 neighbours"),
    ):
        done = run_emotions(*arguments, "--out", tmp_path, *options)
        assert done.exit_code == 2 and message in done.stderr, done.output
        assert done.stderr.count("\n") == 1 and not (tmp_path / "tsne.json").exists()

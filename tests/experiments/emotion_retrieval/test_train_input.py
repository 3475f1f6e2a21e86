"""Bad input of `emotions train` and `test`: one line each, and nothing half-written."""

import json
import logging
import shutil

import pytest
import torch
from emotion_videos import list_records, write_records
from media_factory import tone
from safetensors.torch import load_file

from encoders.clipvip.io import load_clip, load_model

SEED = 5


@pytest.fixture
def train(run_emotions, train_arguments, tmp_path):
    """Runs a training of the baseline with other arguments."""

    def run(*arguments):
        return run_emotions(
            *train_arguments, "--conditioning", "none", "--epochs", 1, "--out", tmp_path / "out", *arguments
        )

    return run


def assert_is_refused(done, message, out=None):
    assert done.exit_code == 2, done.output
    lines = [line for line in done.stderr.splitlines() if line.startswith("emotions:")]
    assert len(lines) == 1 and message in lines[0], done.output
    assert "Traceback" not in done.output
    if out is not None:
        assert not list(out.rglob("*.safetensors")) and not list(out.rglob("*.md"))


def save_checkpoint(path, clip_folder, **changes):
    """CLIP-ViP's weights by the names of its released file; None leaves one out."""
    model = load_clip(clip_folder)
    weights = load_file(clip_folder / "model.safetensors")
    weights["vision_model.embeddings.added_cls"] = model.video.added_proxies.detach()
    weights["vision_model.embeddings.temporal_embedding"] = torch.full((1, 12, 32), 0.25)
    weights |= changes
    torch.save({f"clipmodel.{name}": value for name, value in weights.items()}, path)
    return path


@pytest.mark.slow
def test_training_starts_from_a_checkpoint(train, emotion_files, tmp_path):
    path = save_checkpoint(tmp_path / "clipvip.pt", emotion_files["clip"])
    done = train("--checkpoint", path, "--rate", 1e-9, "--new-rate-factor", 1, "--weight-decay", 0)
    assert done.exit_code == 0, done.output
    model = load_model(tmp_path / "out" / "none")
    assert model.video.temporal_embedding.detach().numpy() == pytest.approx(0.25, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vision_model.embeddings.added_cls", "1 weights have another shape: video.added_proxies (3, 16)"),
        ("vision_model.embeddings.strange", "the model has no place for 1 weights: video.vision_model"),
        ("classifier.weight", "weights are not known: clipmodel.classifier.weight"),
    ],
)
def test_a_checkpoint_that_does_not_fit(name, message, train, emotion_files, tmp_path):
    changes = {name: torch.zeros(3, 16)}
    path = save_checkpoint(tmp_path / "clipvip.pt", emotion_files["clip"], **changes)
    assert_is_refused(train("--checkpoint", path), message, tmp_path / "out")


def test_the_reports_checkpoint_has_no_place_in_the_baseline(train, emotion_files, tmp_path):
    """All models are made before the first is trained."""
    changes = {"text_model.embeddings.emotion_embedding.weight": torch.randn(8, 32)}
    path = save_checkpoint(tmp_path / "report.pt", emotion_files["clip"], **changes)
    done = train("--checkpoint", path, "--conditioning", "report")
    assert_is_refused(done, "no place for 1 weights: text.conditioning.table", tmp_path / "out")


def test_a_vocabulary_without_merges(train, emotion_files, tmp_path):
    folder = tmp_path / "clip"
    shutil.copytree(emotion_files["clip"], folder)
    for name in ("tokenizer.json", "merges.txt"):
        (folder / name).unlink(missing_ok=True)
    assert_is_refused(train("--clip", folder), "of CLIP's tokenizer", tmp_path / "out")


def test_a_folder_without_a_clip(train, tmp_path):
    assert_is_refused(train("--clip", tmp_path), "tokenizer", tmp_path / "out")


def change_records(tmp_path, **changes):
    records = list_records(12, SEED)
    records[3] |= changes
    return write_records(tmp_path / "records.json", records)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"caption": " "}, "empty caption"), ({"caption": ["a disc", ""]}, "empty caption"),
     ({"joy": None}, "joy"), ({"joy": "much"}, "joy")],
)  # fmt: skip
def test_records_that_can_not_be_used(changes, message, train, tmp_path):
    path = change_records(tmp_path, **changes)
    assert_is_refused(train("--records", path), message, tmp_path / "out")


@pytest.mark.slow
def test_captions_that_are_too_long_are_cut_and_counted(train, tmp_path, caplog):
    path = change_records(tmp_path, caption="a disc spins " * 50)
    with caplog.at_level(logging.WARNING):
        assert train("--records", path).exit_code == 0
    assert "1 of 12 texts are cut at 32 tokens" in caplog.text


@pytest.mark.slow
def test_videos_without_frames_are_named_or_left_out(train, emotion_files, tmp_path):
    videos = tmp_path / "videos"
    shutil.copytree(emotion_files["videos"], videos)
    (videos / "clip00001.mp4").unlink()
    tone(tmp_path / "sound.wav").rename(videos / "clip00002.mp4")
    done = train("--videos", videos)
    assert_is_refused(
        done, "2 of 18 videos can't be read: clip00002 (no frames), clip00001", tmp_path / "out"
    )
    done = train("--videos", videos, "--skip-unreadable", "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)["models"]["none"]["data"]
    assert data["notes"] == ["2 videos could not be read and are left out"]
    assert data["train"]["videos"] + data["dev"]["videos"] == 16
    assert_is_refused(train("--videos", tmp_path), "none of 18 videos is here; wanted files such as clip0")


@pytest.mark.slow
def test_a_split_by_ids(train, tmp_path):
    ids = tmp_path / "dev.txt"
    ids.write_text("clip00003\nclip00008\n")
    done = train("--dev-ids", ids, "--json")
    assert json.loads(done.stdout)["models"]["none"]["data"]["dev"]["videos"] == 2
    ids.write_text("clip00003\nnobody\nclip00008\n")
    assert_is_refused(
        train("--dev-ids", ids), "1 of 3 ids are of no video in the records: the first is nobody"
    )
    ids.write_text("clip00003\n")
    assert_is_refused(train("--dev-ids", ids), "17 videos to train on and 1 for dev: two are needed for each")


def test_too_few_videos(train, tmp_path):
    path = write_records(tmp_path / "few.json", list_records(3, SEED))
    assert_is_refused(train("--records", path), "3 videos are too few to train on with 2 held out for dev")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_a_configuration_in_a_file(suffix, run_emotions, emotion_files, tmp_path):
    """It may hold every option; those of the command line come first."""
    config = {
        "clip": str(emotion_files["clip"]), "records": str(emotion_files["train"]),
        "videos": str(emotion_files["videos"]), "frames": str(emotion_files["frames"]),
        "conditioning": ["none", "concat"], "emotion-dropout": 0.25, "loss": "vse", "seed": 3, "epochs": 1,
        "device": "cpu",
    }  # fmt: skip
    path = tmp_path / f"config{suffix}"
    lines = [f"{name} = {json.dumps(value)}" for name, value in config.items()]
    path.write_text(json.dumps(config) if suffix == ".json" else "\n".join(lines))
    done = run_emotions("train", "--config", path, "--out", tmp_path / "out", "--seed", 4, "--json")
    assert done.exit_code == 0, done.output
    models = json.loads(done.stdout)["models"]
    assert list(models) == ["none", "concat"]
    settings = models["concat"]["settings"]
    assert (settings["loss"], settings["emotions"]["dropout"], settings["seed"]) == ("vse", 0.25, 4)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", '{"speed": 3}', "no option speed; known: accumulate, affect, batch"),
        ("config.json", "[1]", "a configuration is a table of options and values"),
        ("config.json", "{", "not JSON"),
        ("config.yaml", "a: 1", "a configuration is a .json or .toml file"),
        ("config.toml", 'loss = "guess"', "no loss 'guess'; known: nce, nce-dsl, vse"),
        ("config.toml", 'loss = "vse++"', "1 epochs of warm-up leave none of 1 to the loss vse++"),
    ],
)
def test_a_bad_configuration(name, content, message, train, tmp_path):
    (tmp_path / name).write_text(content)
    assert_is_refused(train("--config", tmp_path / name), message, tmp_path / "out")


def test_a_device_or_precision_that_is_not_here(train, monkeypatch, tmp_path):
    assert_is_refused(train("--device", "cuda:99"), "device cuda:99:")
    assert_is_refused(train("--device", "abacus"), "device abacus:")
    monkeypatch.setattr("experiments.emotion_retrieval.training.devices.has_bfloat16", lambda device: False)
    done = train("--precision", "bfloat16")
    assert_is_refused(done, "device cpu has no bfloat16 arithmetic", tmp_path / "out")


@pytest.mark.slow
def test_training_in_bfloat16(train, monkeypatch, tmp_path):
    monkeypatch.setattr("experiments.emotion_retrieval.training.devices.has_bfloat16", lambda device: True)
    assert train("--precision", "bfloat16").exit_code == 0
    weights = load_model(tmp_path / "out" / "none").state_dict().values()
    assert all(
        value.dtype in (torch.float32, torch.int64) and torch.isfinite(value).all() for value in weights
    )


def test_training_that_diverges(train, tmp_path):
    done = train("--rate", 1e30, "--new-rate-factor", 1, "--clip-norm", 0)
    assert_is_refused(done, "training has diverged", tmp_path / "out")


@pytest.mark.slow
def test_what_can_not_be_tested(run_emotions, trained, emotion_files, tmp_path):
    arguments = ["--records", emotion_files["test"], "--videos", emotion_files["videos"], "--out", tmp_path]

    def run(*models):
        return run_emotions("test", *models, *arguments)

    assert_is_refused(run(tmp_path), "clipvip.safetensors: no CLIP-ViP model")
    assert_is_refused(run(trained / "none", trained / "none"), "a model is given twice")
    arguments[3] = tmp_path
    assert_is_refused(run(trained / "none"), "none of 12 videos is here")
    assert not list(tmp_path.rglob("*.json"))

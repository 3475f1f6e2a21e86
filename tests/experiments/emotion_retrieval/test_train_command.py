"""`emotions train` end to end: rendered videos, a tiny CLIP, three models."""

import json

import numpy as np
import pytest
import torch
from emotion_videos import list_records, write_records

from encoders.clipvip.encoder import clip_vip
from encoders.clipvip.io import load_model
from experiments.emotion_retrieval.training import video_text_model
from experiments.emotion_retrieval.training.training_data import split_dev

MODELS = ("none", "report", "gated-output")


def read_weights(folder):
    return {name: value.clone() for name, value in load_model(folder).state_dict().items()}


@pytest.mark.slow
def test_three_models_are_trained_under_one_configuration(trained):
    for name in MODELS:
        result = json.loads((trained / name / "training.json").read_text())
        assert result["name"] == name and len(result["history"]) == 2
        assert result["settings"]["emotions"]["init_std"] == (1.0 if name == "report" else 0.02)
        assert result["data"]["train"] == {
            "videos": 14,
            "captions": 14,
            "with emotion": result["data"]["train"]["with emotion"],
        }
        assert result["data"]["dev"]["videos"] == 4
        recall = result["dev"]["T2V"]["R@1"]
        assert 0 <= recall["low"] <= recall["value"] <= recall["high"] <= 100
        assert not (trained / name / "checkpoint.safetensors").exists()
    configs = [load_model(trained / name).config for name in MODELS]
    assert [config.emotions.conditioning for config in configs] == ["none", "add", "gated-output"]
    assert [config.emotions.init_std for config in configs] == [0.02, 1.0, 0.02]


@pytest.mark.slow
def test_a_trained_folder_is_an_encoder(trained):
    encoder = clip_vip(trained / "gated-output")
    rows = encoder.encode_text(["a happy red star spins", "a blue disc"])
    frames = np.random.default_rng(0).integers(0, 256, (20, 40, 60, 3), np.uint8)
    assert np.isfinite(rows).all() and np.isfinite(encoder.encode([frames])).all()


@pytest.mark.slow
def test_the_card_says_where_it_comes_from(trained):
    card = (trained / "report" / "card.md").read_text()
    for part in ("# CLIP-ViP, emotions: report", "records train.json", "Licence:", "On dev", "14 videos",
                 "python -m experiments.emotions", "| T2V |", "* seed: 0"):  # fmt: skip
        assert part in card, part


@pytest.mark.slow
def test_what_is_done_is_not_done_again(run_emotions, train_arguments, trained, monkeypatch):
    monkeypatch.setattr(video_text_model.VideoTextModel, "compute_loss", None)
    done = run_emotions(*train_arguments, "--out", trained, "--conditioning", "none", "--json")
    assert done.exit_code == 0, done.output
    assert list(json.loads(done.stdout)["models"]) == ["none"]
    other = run_emotions(*train_arguments, "--out", trained, "--conditioning", "none", "--seed", 7)
    assert other.exit_code == 2 and "holds a model of another configuration" in other.output


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(run_emotions, train_arguments, tmp_path, monkeypatch):
    arguments = [*train_arguments, "--conditioning", "gated-end-token", "--emotion-dropout", 0.3]
    assert run_emotions(*arguments, "--out", tmp_path / "whole").exit_code == 0
    compute_loss, calls = video_text_model.VideoTextModel.compute_loss, []

    def interrupt(model, batch, loss):
        calls.append(0)
        if len(calls) == 5:  # in the second epoch, of three batches
            raise KeyboardInterrupt
        return compute_loss(model, batch, loss)

    with monkeypatch.context() as patch:
        patch.setattr(video_text_model.VideoTextModel, "compute_loss", interrupt)
        stopped = run_emotions(*arguments, "--out", tmp_path / "parts")
    assert stopped.exit_code == 130 and "run it again to go on" in stopped.output
    folder = tmp_path / "parts" / "gated-end-token"
    assert [path.name for path in folder.iterdir()] == ["checkpoint.safetensors"]
    calls.clear()
    with monkeypatch.context() as patch:
        patch.setattr(
            video_text_model.VideoTextModel, "compute_loss",
            lambda *args: (calls.append(0), compute_loss(*args))[1],
        )  # fmt: skip
        assert run_emotions(*arguments, "--out", tmp_path / "parts").exit_code == 0
    assert len(calls) == 3  # the second epoch alone
    whole, parts = read_weights(tmp_path / "whole" / "gated-end-token"), read_weights(folder)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.slow
def test_the_baseline_and_the_emotion_model_see_the_same_batches(trained):
    """Both begin with the same proxies; a gate that starts at zero gives the first step the same loss."""
    losses = {
        name: json.loads((trained / name / "training.json").read_text())["history"][0]["loss"]
        for name in MODELS
    }
    assert losses["gated-output"] == pytest.approx(losses["none"], abs=0.05)


def test_dev_is_held_out_by_video():
    ids = [f"video{number}" for number in range(20)]
    train, dev = split_dev(ids, 0.2, seed=0)
    assert sorted(train + dev) == sorted(ids) and len(dev) == 4
    assert split_dev(ids, 0.2, seed=0) == (train, dev) != split_dev(ids, 0.2, seed=1)
    assert split_dev(ids, 0, seed=0) == (ids, [])
    assert len(split_dev(ids, 0.001, seed=0)[1]) == 2


@pytest.mark.slow
def test_captions_in_a_list_are_drawn_and_share_their_emotions(
    run_emotions, train_arguments, emotion_files, tmp_path
):
    records = list_records(12, 5)
    for record in records:
        record["caption"] = [record["caption"], f"{record['caption']} again"]
    done = run_emotions(
        *train_arguments, "--records", write_records(tmp_path / "lists.json", records), "--dev", 0,
        "--conditioning", "none", "--epochs", 1, "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)["models"]["none"]
    assert result["data"]["train"]["captions"] == 24 and result["dev"] is None

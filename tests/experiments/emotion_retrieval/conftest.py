"""What `emotions train` takes, of rendered clips, and the models it writes."""

import pytest
from click.testing import CliRunner
from emotion_videos import list_records, save_clip_for, write_records
from synthetic_clips import COUNT

from experiments.emotions import main

SEED = 5  # of `rendered_folder`


@pytest.fixture(scope="session")
def emotion_files(rendered_folder, tmp_path_factory):
    """By name: a tiny CLIP, records to train and to test on, the folder of videos and of their frames."""
    folder = tmp_path_factory.mktemp("emotion")
    records = list_records(COUNT, SEED)
    return {
        "clip": save_clip_for(folder / "clip", COUNT, SEED),
        "train": write_records(folder / "train.json", records[:18]),
        "test": write_records(folder / "test.json", records[12:]),
        "videos": rendered_folder,
        "frames": folder / "frames",
    }


@pytest.fixture(scope="session")
def run_emotions():
    """Runs `emotions` with arguments; the result has `exit_code`, `stdout` and `stderr`."""

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def train_arguments(emotion_files):
    """The arguments of a short training."""
    return [
        "train", "--clip", emotion_files["clip"], "--records", emotion_files["train"],
        "--videos", emotion_files["videos"], "--frames", emotion_files["frames"],
        "--epochs", 2, "--batch", 6, "--accumulate", 1, "--rate", 1e-3, "--new-rate-factor", 10, "--dev", 0.2,
        "--device", "cpu",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def trained(run_emotions, train_arguments, tmp_path_factory):
    """The folder of three trained models."""
    out = tmp_path_factory.mktemp("trained")
    done = run_emotions(*train_arguments, "--out", out, "--conditioning", "none", "--conditioning", "report",
                        "--conditioning", "gated-output")  # fmt: skip
    assert done.exit_code == 0, done.output
    return out

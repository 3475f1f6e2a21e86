"""Which encoder adds to the affect of music."""

import numpy as np
import pytest

from experiments.heads.audio_affect.added_encoders import run_benchmark
from experiments.heads.audio_affect.clips import AudioClips


def make_clips(rows, affect):
    """Pieces of ten series with a copy each; those without ratings are of another kind."""
    count = len(affect)
    rows = np.concatenate([rows, 5 * np.isnan(affect[:, :1])], axis=1)
    return AudioClips(
        features=np.stack([rows, rows], axis=1).astype(np.float32),
        kinds=np.full(count, "music"),
        labels=np.full(count, ""),
        affect=affect,
        groups=np.array([f"series {number % 10}" for number in range(count)]),
        splits=np.full(count, "train"),
    )


@pytest.mark.slow
def test_an_encoder_that_knows_more_gains_and_one_of_noise_does_not():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(110, 2)) * 0.3
    affect = truth.copy()
    affect[100:] = np.nan
    weak = np.concatenate([truth + 0.3 * rng.normal(size=truth.shape), rng.normal(size=(110, 3))], axis=1)
    clips = {
        "own": make_clips(weak, affect),
        "better": make_clips(truth + 0.1 * rng.normal(size=truth.shape), affect),
        "noise": make_clips(rng.normal(size=(110, 3)), affect),
    }
    rows = {row["features"]: row for row in run_benchmark(clips, 0).rows}
    assert list(rows) == ["own", "own + better", "own + noise", "own + better + noise"]
    for dimension in ("valence", "arousal"):
        assert rows["own"][f"{dimension} r gain"].value == 0
        assert rows["own + better"][f"{dimension} r gain"].low > 0.1
        assert rows["own + noise"][f"{dimension} r gain"].value < 0
        assert rows["own + better"][f"{dimension} CCC"].value > 0.8

"""Training of adapters, and its command."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from repository import DATA
from safetensors.numpy import load_file

from experiments.heads.text_adapter import training
from experiments.heads.text_adapter.__main__ import main
from experiments.heads.text_adapter.training import AdapterConfig, load_or_train_adapters, train_adapters
from experiments.heads.text_adapter.training_sets import load_training_sets


@pytest.mark.data
@pytest.mark.slow
def test_training_learns_repeats_itself_and_is_kept(tmp_path):
    pytest.importorskip("vaderSentiment")
    torch.set_num_threads(1)
    few = [replace(one, texts=one.texts[:48], targets=one.targets[:48]) for one in load_training_sets(DATA)]
    how = replace(AdapterConfig(), epochs=2.0, rank=4)
    first = load_or_train_adapters(few, how, seed=1, order=0, folder=tmp_path, quiet=True)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = load_or_train_adapters(few, how, seed=1, order=0, folder=tmp_path, quiet=True)
    assert kept.stat().st_mtime_ns == written
    second, other = (train_adapters(few, how, seed=1, order=order, quiet=True) for order in (0, 1))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert first["head.weight"].shape == (2, 384)
    ups = [name for name in first if name.endswith(".up")]
    assert max(np.abs(first[name]).max() for name in ups) > 0
    assert not any(np.array_equal(first[name], other[name]) for name in ups)
    for name in (one.replace(".up", ".down") for one in ups):  # they start alike and go apart a little
        assert np.corrcoef(first[name].ravel(), other[name].ravel())[0, 1] > 0.9


@pytest.mark.data
def test_the_command_averages_what_was_taught(tmp_path, monkeypatch):
    pytest.importorskip("vaderSentiment")
    made = []

    def quick(taught, how, *, seed, order, quiet=False):
        made.append((seed, order))
        ones = {"a.down": np.ones((1, 2), np.float32), "a.up": np.full((2, 1), 1.0 + order, np.float32)}
        return ones | {"head.bias": np.full(2, order, np.float32)}

    monkeypatch.setattr(training, "train_adapters", quick)
    command = ["--data", str(DATA), "--cache", str(tmp_path / "cache"), "--seed", "3", "--soup"]
    main([*command, "1", "--out", str(tmp_path / "one")])
    main([*command, "2", "--out", str(tmp_path / "two")])
    assert made == [(3, 0), (3, 1)]  # the second goes on where the first stopped
    two = load_file(tmp_path / "two")
    np.testing.assert_allclose(two["a.up"] @ two["a.down"], np.full((2, 2), 1.5), rtol=2e-3)
    assert two["head.bias"].tolist() == [0.5, 0.5]
    assert {one.dtype for one in two.values()} == {np.dtype(np.float16)}

"""SoundNet's weights, network and features."""

import pickle

import numpy as np
import pytest

from encoders.base import AffectError, Audio, MissingBackendError
from encoders.registry import ENCODERS
from encoders.soundnet import encoder as soundnet
from encoders.soundnet.network import LAYERS, build_network
from encoders.soundnet.weights import ArrayUnpickler, read_weights

CHANNELS = (1, 3, 4, 5, 6, 7, 8, 9)


@pytest.fixture(scope="module")
def weights():
    """Random weights with the names and the order of axes of the file, of few channels."""
    rng, made = np.random.default_rng(0), {}
    for number, spec in enumerate(LAYERS):
        inputs, outputs = CHANNELS[number : number + 2]
        kernel = rng.normal(size=(spec.width, 1, inputs, outputs)) / np.sqrt(spec.width * inputs)
        vectors = {name: rng.normal(size=outputs) for name in ("biases", "gamma", "beta", "mean")}
        made[spec.name] = {"weights": kernel, **vectors, "var": rng.uniform(0.5, 2, outputs)}
    return {
        layer: {name: a.astype(np.float32) for name, a in arrays.items()} for layer, arrays in made.items()
    }


def compute_expected(weights, waveform):
    """The layers as sums over the file's arrays: (n,) to (channels, frames)."""
    values = waveform[:, None]
    for spec in LAYERS:
        arrays = weights[spec.name]
        padded = np.pad(values, ((spec.width // 2, spec.width // 2), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, spec.width, axis=0)[::2]
        sums = np.einsum("tiw,wio->to", windows, arrays["weights"][:, 0]) + arrays["biases"]
        scaled = (sums - arrays["mean"]) / np.sqrt(arrays["var"] + 1e-5) * arrays["gamma"] + arrays["beta"]
        values = np.maximum(scaled, 0)
        frames = len(values) // spec.pool
        values = values[: frames * spec.pool].reshape(frames, spec.pool, -1).max(axis=1)
    return values.T


def save(path, content):
    np.save(path, np.array(content, dtype=object), allow_pickle=True)
    return path


def test_weights_are_read_back(weights, tmp_path):
    read = read_weights(save(tmp_path / "w.npy", weights))
    assert set(read) == set(weights)
    for layer, arrays in weights.items():
        assert all(np.array_equal(read[layer][name], array) for name, array in arrays.items())


def test_a_pickle_never_runs_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    with pytest.raises(AffectError, match="is not allowed"):
        read_weights(save(tmp_path / "evil.npy", {"conv1": Evil()}))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("target", [eval, getattr, np.load, np.frombuffer, np.memmap, dict, type])
def test_only_three_names_are_found(target):
    import io

    with pytest.raises(pickle.UnpicklingError, match="is not allowed"):
        ArrayUnpickler(io.BytesIO(pickle.dumps(target))).load()


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"<html>404</html>"])
def test_what_is_no_such_file_is_refused(content, tmp_path):
    (tmp_path / "w.npy").write_bytes(content)
    with pytest.raises(AffectError, match="not weights of SoundNet"):
        read_weights(tmp_path / "w.npy")
    np.save(tmp_path / "w.npy", np.zeros(3))
    with pytest.raises(AffectError, match="a NumPy file of numbers"):
        read_weights(tmp_path / "w.npy")


def test_network_is_the_layers_of_the_paper(weights):
    import torch

    waveforms = np.random.default_rng(0).normal(size=(2, 30001)).astype(np.float32)
    with torch.inference_mode():
        features = build_network(weights)(torch.from_numpy(waveforms[:, None])).numpy()
    for number, waveform in enumerate(waveforms):
        expected = compute_expected(weights, waveform)
        np.testing.assert_allclose(features[number], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("seconds", "windows"), [(0.03, 1), (2, 1), (20, 1), (21, 2), (75, 4)])
def test_sounds_are_repeated_or_read_in_windows(seconds, windows):
    samples = np.random.default_rng(0).uniform(-1, 1, round(seconds * 22050)).astype(np.float32)
    split = soundnet.split_waveform(samples)
    assert split.shape == (windows, 20 * 22050)
    assert np.array_equal(split[0], 256 * samples[np.arange(20 * 22050) % len(samples)])
    assert windows == 1 or np.array_equal(split[-1], 256 * samples[-20 * 22050 :])


@pytest.mark.slow
def test_features_of_the_published_weights():
    try:
        encoder = ENCODERS.make("soundnet")
    except MissingBackendError as missing:
        pytest.skip(str(missing))
    noise = np.random.default_rng(0).normal(0, 0.1, 25 * 22050).astype(np.float32)
    audio = Audio(samples=noise, sample_rate=22050)
    features = encoder.compute_features(audio)
    assert features.shape == (2, 1024, 15) and features.min() == 0
    assert (features.max(axis=(0, 2)) > 0).sum() > 100  # with other units of amplitude most never answer
    (row,) = encoder.encode([audio])
    assert np.allclose(row, np.log1p(features.mean(axis=(0, 2))), atol=1e-6)

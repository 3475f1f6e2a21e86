"""The network of musicnn against the same steps written as sums over TensorFlow's arrays."""

import numpy as np
import pytest

from encoders.musicnn.network import build_network

BANDS, UNITS, TAGS, FRAMES = 10, 6, 4, 40
HEIGHTS = (4, 7)
FRONT = 2 * 204 + 3 * 51


@pytest.fixture(scope="module")
def variables():
    """Random variables with TensorFlow's names and shapes."""
    rng = np.random.default_rng(0)
    kernels = [(7, height, 1, 204) for height in HEIGHTS] + [(size, 1, 1, 51) for size in (128, 64, 32)]
    kernels += [(7, width, 1, 64) for width in (FRONT, 64, 64)]
    pooled = 2 * (FRONT + 3 * 64)
    made = {}
    for number, shape in enumerate(kernels):
        made[f"{named('conv2d', number)}/kernel"] = rng.normal(size=shape) / np.sqrt(np.prod(shape[:3]))
        made[f"{named('conv2d', number)}/bias"] = rng.normal(size=shape[-1])
    for number, size in enumerate([1, 204, 204, 51, 51, 51, 64, 64, 64, pooled, UNITS]):
        for part in ("beta", "gamma", "moving_mean"):
            made[f"{named('batch_normalization', number)}/{part}"] = rng.normal(size=size)
        made[f"{named('batch_normalization', number)}/moving_variance"] = rng.uniform(0.5, 2, size)
    for number, shape in enumerate([(pooled, UNITS), (UNITS, TAGS)]):
        made[f"{named('dense', number)}/kernel"] = rng.normal(size=shape) / np.sqrt(shape[0])
        made[f"{named('dense', number)}/bias"] = rng.normal(size=shape[1])
    return {name: array.astype(np.float32) for name, array in made.items()}


def named(name, number):
    return f"{name}_{number}" if number else name


def compute_expected(variables, patch):
    """One patch (frames, bands) through the layers, in TensorFlow's order of axes."""

    def normalise(values, number):
        name = named("batch_normalization", number)
        centred = (values - variables[f"{name}/moving_mean"]) / np.sqrt(
            variables[f"{name}/moving_variance"] + 1e-3
        )
        return centred * variables[f"{name}/gamma"] + variables[f"{name}/beta"]

    def convolve(values, number, before, after):
        """Frames and bands (t, b) to (t, b', filters), padded with zeros in time, then ReLU and norm."""
        kernel = variables[f"{named('conv2d', number)}/kernel"][:, :, 0]
        padded = np.pad(values, ((before, after), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2])
        sums = np.einsum("tbhw,hwo->tbo", windows, kernel) + variables[f"{named('conv2d', number)}/bias"]
        return normalise(np.maximum(sums, 0), number + 1)

    spectrogram = normalise(patch[:, :, None], 0)[:, :, 0]
    front = [convolve(spectrogram, number, 3, 3).max(axis=1) for number in (0, 1)]
    front += [
        convolve(spectrogram, number, (size - 1) // 2, size // 2).max(axis=1)
        for number, size in ((2, 128), (3, 64), (4, 32))
    ]
    levels = [np.concatenate(front, axis=1)]
    for number in (5, 6, 7):
        filtered = convolve(levels[-1], number, 3, 3)[:, 0]
        levels.append(filtered if number == 5 else filtered + levels[-1])
    course = np.concatenate(levels, axis=1)
    pools = np.stack([course.max(axis=0), course.mean(axis=0)], axis=1).ravel()
    hidden = normalise(pools, 9) @ variables["dense/kernel"] + variables["dense/bias"]
    features = normalise(np.maximum(hidden, 0), 10)
    logits = features @ variables["dense_1/kernel"] + variables["dense_1/bias"]
    return pools, 1 / (1 + np.exp(-logits))


def test_network_is_that_of_tensorflow(variables):
    import torch

    patches = np.random.default_rng(1).normal(size=(2, FRAMES, BANDS)).astype(np.float32)
    with torch.inference_mode():
        outputs = build_network(variables, BANDS)(torch.from_numpy(patches))
    for number, patch in enumerate(patches):
        for output, expected in zip(outputs, compute_expected(variables, patch), strict=True):
            np.testing.assert_allclose(output[number], expected, rtol=1e-3, atol=1e-3)


def test_variables_of_another_network_are_refused(variables):
    with pytest.raises(RuntimeError, match="size mismatch"):
        build_network(variables, BANDS + 5)
    with pytest.raises(KeyError):
        build_network({name: array for name, array in variables.items() if "conv2d_7" not in name}, BANDS)

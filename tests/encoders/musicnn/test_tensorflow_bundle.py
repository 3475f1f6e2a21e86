"""Variables of TensorFlow's checkpoints."""

import numpy as np
import pytest
from tensorflow_bundles import write_bundle

from encoders.musicnn.tensorflow_bundle import read_bundle

SHAPES = {
    "conv2d/kernel": (7, 3, 1, 5),
    "conv2d/bias": (5,),
    "conv2d_1/bias": (300,),
    "step": (),
    "x" * 200: (2,),
}


@pytest.fixture
def variables():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("block_size", [1, 2, 100])
def test_variables_are_read_back(tmp_path, variables, block_size):
    read = read_bundle(*write_bundle(tmp_path, variables, block_size))
    assert set(read) == set(variables)
    assert all(np.array_equal(read[name], array) for name, array in variables.items())


def test_what_is_no_checkpoint_is_refused(tmp_path, variables):
    index, data = write_bundle(tmp_path, variables)
    content = index.read_bytes()
    for broken in (b"", content[:-1], b"\xff" * 60 + content[-8:]):
        index.write_bytes(broken)
        with pytest.raises(ValueError, match=r"index|integer|block"):
            read_bundle(index, data)
    index.write_bytes(content)
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(ValueError, match="does not lie in"):
        read_bundle(index, data)

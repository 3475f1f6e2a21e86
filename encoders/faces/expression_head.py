"""Expression of aligned faces: fer's network for fear, and a linear head on its features for the rest.

The head's features are the network's probabilities and its last two stages, pooled over quarters and
sixteenths of the face. Training data and accuracy are in encoders/weights/expression.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import AffectError, Frames, MissingBackendError, Rows, to_printable
from encoders.face_columns import EMOTIONS
from encoders.faces.alignment import ALIGNED_SIDE_PX, align_face, compute_face_quality, estimate_similarity
from encoders.faces.fer_network import BATCH_SIZE, find_weights_file
from encoders.faces.mtcnn import FaceDetections
from encoders.files import compute_sha256
from encoders.onnx_runtime import Network, load_network
from encoders.safetensors_io import MALFORMED_FILE_ERRORS, read_safetensors

if TYPE_CHECKING:
    from torch import nn

WEIGHTS_FILE = files("encoders") / "weights" / "expression.safetensors"
FEAR_INDEX = EMOTIONS.index("fear")
OTHER_INDICES = tuple(index for index in range(len(EMOTIONS)) if index != FEAR_INDEX)
LOG_EPSILON = 1e-4  # added to a probability before its logarithm

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpressionHead:
    """Linear head for six expressions, and a factor for fer's probability of fear.

    weight, bias: (d, 6), (6,) in the order of EMOTIONS without fear
    fear:         (1,) factor
    """

    weight: Rows
    bias: Rows
    fear: Rows

    def __call__(self, features: Rows) -> Rows:
        """Probabilities (n, 7) in the order of EMOTIONS, of rows (n, d) of `extract_face_features`."""
        from scipy.special import softmax

        fear = self.fear * np.clip(np.exp(features[:, FEAR_INDEX]) - LOG_EPSILON, 0, 1)
        others = softmax(features @ self.weight + self.bias, axis=1)
        probabilities = np.empty((len(features), len(EMOTIONS)), np.float32)
        probabilities[:, list(OTHER_INDICES)] = others * (1 - fear[:, None])
        probabilities[:, FEAR_INDEX] = fear
        return probabilities


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadClassifier:
    """Expressions and qualities of detected faces, by the head on aligned faces."""

    net: Network
    head: ExpressionHead

    def __call__(self, frames: Frames, detections: FaceDetections) -> tuple[Rows, Rows]:
        """Probabilities (m, 7) and qualities (m,) in [0, 1] of the faces detected in frames (t, h, w, 3)."""
        probabilities = self.head(extract_face_features(self.net, align_faces(frames, detections)))
        return probabilities, compute_face_quality(detections.landmarks, detections.boxes, *frames.shape[1:3])


def load_classifier() -> HeadClassifier:
    """Load the shipped head. Raises MissingBackendError without fer's weights, AffectError for a bad file."""
    return HeadClassifier(net=load_feature_network(), head=load_head())


def load_head() -> ExpressionHead:
    """The shipped head. Raises AffectError if the file can't be read."""
    with as_file(WEIGHTS_FILE) as file:
        try:
            return ExpressionHead(**read_safetensors(file).tensors)
        except MALFORMED_FILE_ERRORS as error:
            raise AffectError(
                f"{to_printable(file)}: no head for expressions ({error}); install again"
            ) from error


def find_weight_files() -> list[Path]:
    """Files of fer's network and of the head. Raises MissingBackendError if either is missing."""
    with as_file(WEIGHTS_FILE) as file:
        if not file.exists():
            raise MissingBackendError(f"{to_printable(file)}: not here; install again")
        return [find_weights_file(), file]


def load_feature_network() -> Network:
    """Grey faces (n, 1, 64, 64) float32 in [-1, 1] -> probabilities (n, 7), pooled maps (n, 1536)."""
    example = (
        np.random.default_rng(0).uniform(-1, 1, (3, 1, ALIGNED_SIDE_PX, ALIGNED_SIDE_PX)).astype(np.float32)
    )
    key = f"mini-xception-described-1-{compute_sha256(find_weights_file())[:16]}"
    return load_network(key, _build_network, [example], [{0: "n"}], threads=1)


def _build_network() -> nn.Module:
    from encoders.faces.torch_networks import MiniXceptionFeatures

    return MiniXceptionFeatures(find_weights_file())


def extract_face_features(net: Network, faces: Grey) -> Rows:
    """Features (n, 1543) of grey faces (n, 64, 64): log probabilities of the network, then its pooled maps.

    Each is the mean over the face and its mirror image.
    """
    views = [_run_network(net, faces), _run_network(net, faces[:, :, ::-1])]
    probabilities, maps = (np.mean(part, axis=0, dtype=np.float32) for part in zip(*views, strict=True))
    return np.concatenate([np.log(probabilities + LOG_EPSILON), maps], axis=1)


def _run_network(net: Network, faces: Grey) -> tuple[Rows, Rows]:
    x = faces[:, None].astype(np.float32) / 127.5 - 1
    chunks = [net(x[i : i + BATCH_SIZE]) for i in range(0, max(len(x), 1), BATCH_SIZE)]
    probabilities, maps = (np.concatenate(part) for part in zip(*chunks, strict=True))
    return probabilities, maps


def align_faces(frames: Frames, detections: FaceDetections) -> Grey:
    """Aligned grey faces (m, 64, 64) of the detections in frames."""
    transforms = estimate_similarity(detections.landmarks)
    crops = [
        align_face(frames[frame_index], transform)
        for frame_index, transform in zip(detections.frame_indices, transforms, strict=True)
    ]
    return np.array(crops, np.uint8).reshape(-1, ALIGNED_SIDE_PX, ALIGNED_SIDE_PX)

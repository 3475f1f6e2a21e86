"""The expression on an aligned face: fer's network as it is for fear, and a linear head on it for the rest.

The head reads what the network's last two stages see, pooled over quarters and sixteenths of the face, and
its own answer. What the head learnt from, and how good it is, stands in encoders/weights/expression.md.
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

if TYPE_CHECKING:
    from torch import nn

WEIGHTS_FILE = files("encoders") / "weights" / "expression.safetensors"
FEAR_INDEX = EMOTIONS.index("fear")
OTHER_INDICES = tuple(index for index in range(len(EMOTIONS)) if index != FEAR_INDEX)
LOG_EPSILON = 1e-4  # added to a probability before its logarithm

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpressionHead:
    """Logits of all but fear, and fear.

    weight, bias: (d, 6), (6,) in the order of EMOTIONS
    fear:         (1,) the share of fer's own probability of fear that is kept
    """

    weight: Rows
    bias: Rows
    fear: Rows

    def __call__(self, features: Rows) -> Rows:
        """(n, 7) probabilities in the order of EMOTIONS, of `describe`'s rows (n, d)."""
        afraid = self.fear * np.clip(np.exp(features[:, FEAR_INDEX]) - LOG_EPSILON, 0, 1)
        logits = features @ self.weight + self.bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        found = np.empty((len(features), len(EMOTIONS)), np.float32)
        found[:, list(OTHER_INDICES)] = odds / odds.sum(axis=1, keepdims=True) * (1 - afraid[:, None])
        found[:, FEAR_INDEX] = afraid
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadClassifier:
    """Expressions of the faces of frames, and how well each could be read."""

    net: Network
    head: ExpressionHead

    def __call__(self, frames: Frames, detections: FaceDetections) -> tuple[Rows, Rows]:
        """(m, 7) probabilities and (m,) qualities in [0, 1] of the faces found in frames (t, h, w, 3)."""
        read = self.head(extract_face_features(self.net, align_faces(frames, detections)))
        return read, compute_face_quality(detections.landmarks, detections.boxes, *frames.shape[1:3])


def load_classifier() -> HeadClassifier:
    """With the shipped head. Raises MissingBackendError without fer's weights, AffectError for a bad file."""
    return HeadClassifier(net=load_feature_network(), head=load_head())


def load_head() -> ExpressionHead:
    """The shipped head. Raises AffectError where the file can't be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    with as_file(WEIGHTS_FILE) as file:
        try:
            return ExpressionHead(**load_file(file))
        except (OSError, SafetensorError, TypeError) as bad:
            raise AffectError(
                f"{to_printable(file)}: no head for expressions ({bad}); install again"
            ) from bad


def find_weight_files() -> list[Path]:
    """fer's network and the head. Raises MissingBackendError where either is not here."""
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
    """(n, 1543) of grey faces (n, 64, 64): logarithms of the network's probabilities, then its maps.

    Each is the mean over the face and its mirror image.
    """
    views = [_run_network(net, faces), _run_network(net, faces[:, :, ::-1])]
    said, seen = (np.mean(part, axis=0, dtype=np.float32) for part in zip(*views, strict=True))
    return np.concatenate([np.log(said + LOG_EPSILON), seen], axis=1)


def _run_network(net: Network, faces: Grey) -> tuple[Rows, Rows]:
    x = faces[:, None].astype(np.float32) / 127.5 - 1
    chunks = [net(x[i : i + BATCH_SIZE]) for i in range(0, max(len(x), 1), BATCH_SIZE)]
    said, seen = (np.concatenate(part) for part in zip(*chunks, strict=True))
    return said, seen


def align_faces(frames: Frames, detections: FaceDetections) -> Grey:
    """(m, 64, 64) the faces found in frames, aligned."""
    maps = estimate_similarity(detections.landmarks)
    crops = [align_face(frames[at], to) for at, to in zip(detections.frame_indices, maps, strict=True)]
    return np.array(crops, np.uint8).reshape(-1, ALIGNED_SIDE_PX, ALIGNED_SIDE_PX)

"""Body pose of a clip: where the segments of its most certain body point, early and late, and the change.

"No body" is not a pose: a clip without one has a missing row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt

from encoders.base import EncoderCard, Frames, Rows
from encoders.files import compute_sha256
from encoders.package_files import find_package_files
from encoders.pose.detector import BodyDetector
from encoders.pose.directions import DIRECTION_DIM, compute_directions
from encoders.pose.landmarks import LandmarkNetwork
from encoders.pose.networks import load_tflite_network

Floats = npt.NDArray[np.float64]

NAME = "blazepose"
PACKAGE = "mediapipe"
DETECTOR_FILE = "mediapipe/modules/pose_detection/pose_detection.tflite"
LANDMARKS_FILE = "mediapipe/modules/pose_landmark/pose_landmark_full.tflite"
SHA256_BY_FILE = {
    DETECTOR_FILE: "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    LANDMARKS_FILE: "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
}
INSTALL_COMMAND = "pip install --no-deps mediapipe==0.10.21"
DIM = 3 * DIRECTION_DIM


@dataclass(frozen=True)
class PoseEncoder:
    """Rows (n, 162), raw: directions in the middle frame of either half of a clip, and their difference.

    A body that only one of the two frames shows stands for both. A single frame abstains, as nothing happens
    in it.
    """

    card: EncoderCard
    detector_path: Path
    landmarks_path: Path

    @cached_property
    def _detector(self) -> BodyDetector:
        return BodyDetector(network=load_tflite_network(self.detector_path))

    @cached_property
    def _landmark_network(self) -> LandmarkNetwork:
        return LandmarkNetwork(network=load_tflite_network(self.landmarks_path))

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, 162), raw; NaN for a picture (one frame) and without a body."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        for row, frames in zip(rows, items, strict=True):
            if len(frames) > 1:
                early, late = (self._describe_frame(frames[index]) for index in pick_frames(len(frames)))
                row[:] = combine_directions(early, late)
        return rows

    def locate_landmarks(self, frame: npt.NDArray[np.uint8]) -> Floats | None:
        """Landmarks (33, 3) of the body in a frame (h, w, 3), see `LandmarkNetwork`; None without a body."""
        crop = self._detector.detect(frame)
        return None if crop is None else self._landmark_network.locate(frame, crop)

    def _describe_frame(self, frame: npt.NDArray[np.uint8]) -> Floats | None:
        landmarks = self.locate_landmarks(frame)
        return None if landmarks is None else compute_directions(landmarks)


def pick_frames(count: int) -> tuple[int, int]:
    """The middle frames of the first and the second half of `count` frames, two or more."""
    return count // 4, 3 * count // 4


def combine_directions(early: Floats | None, late: Floats | None) -> Floats:
    """(162,) both directions (54,) and their difference; NaN where both are None."""
    early, late = (late if early is None else early), (early if late is None else late)
    if early is None or late is None:
        return np.full(DIM, np.nan)
    return np.concatenate([early, late, late - early])


def blazepose() -> PoseEncoder:
    """BlazePose with the files of the package mediapipe. Raises MissingBackendError without those.

    ModuleNotFoundError without LiteRT, which the registry tells.
    """
    import_module("ai_edge_litert")
    detector, landmarks = find_package_files(NAME, PACKAGE, SHA256_BY_FILE, INSTALL_COMMAND)
    card = EncoderCard(
        name=NAME,
        modality="frames",
        dim=DIM,
        licence="Apache-2.0",
        weights_source="package mediapipe 0.10.21, BlazePose GHUM full",
        training_data="pictures of people of Google's, not published",
        sha256=compute_sha256(detector, landmarks),
    )
    return PoseEncoder(card, detector, landmarks)

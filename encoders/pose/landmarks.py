"""Landmarks of a body in three dimensions by BlazePose GHUM (Bazarevsky et al. 2020, Xu et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from encoders.pose.crops import SquareCrop
from encoders.pose.networks import TfliteNetwork

Floats = npt.NDArray[np.float64]

INPUT_SIDE = 256  # px
LANDMARK_COUNT = 33
MIN_PRESENCE = 0.5  # probability that the crop shows a body
PRESENCE_OUTPUT, WORLD_OUTPUT = 1, 4


class Landmark(IntEnum):
    """Numbers of the landmarks that are used, left and right as the body has them."""

    NOSE = 0
    LEFT_SHOULDER = 11
    RIGHT_SHOULDER = 12
    LEFT_ELBOW = 13
    RIGHT_ELBOW = 14
    LEFT_WRIST = 15
    RIGHT_WRIST = 16
    LEFT_INDEX_FINGER = 19
    RIGHT_INDEX_FINGER = 20
    LEFT_HIP = 23
    RIGHT_HIP = 24
    LEFT_KNEE = 25
    RIGHT_KNEE = 26
    LEFT_ANKLE = 27
    RIGHT_ANKLE = 28
    LEFT_FOOT = 31
    RIGHT_FOOT = 32


@dataclass(frozen=True, kw_only=True)
class LandmarkNetwork:
    """Landmarks of the body in a square around it."""

    network: TfliteNetwork

    def locate(self, frame: npt.NDArray[np.uint8], crop: SquareCrop) -> Floats | None:
        """(33, 3) in metres from the middle of the hips, x right, y down and z away; None without a body."""
        outputs = self.network(crop.cut(frame, INPUT_SIDE) / np.float32(255))
        if float(outputs[PRESENCE_OUTPUT][0]) < MIN_PRESENCE:
            return None
        points = outputs[WORLD_OUTPUT].reshape(-1, 3)[:LANDMARK_COUNT].astype(np.float64)
        points[:, :2] = points[:, :2] @ crop.rotation
        return points

"""Where the segments of a body point, whatever its size and wherever the camera stands around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from encoders.pose.landmarks import Landmark

Floats = npt.NDArray[np.float64]

BODY_SEGMENTS = (
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_ELBOW),
    (Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST),
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_ELBOW),
    (Landmark.RIGHT_ELBOW, Landmark.RIGHT_WRIST),
    (Landmark.LEFT_HIP, Landmark.LEFT_KNEE),
    (Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE),
    (Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE),
    (Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE),
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP),
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP),
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    (Landmark.LEFT_ANKLE, Landmark.LEFT_FOOT),
    (Landmark.RIGHT_ANKLE, Landmark.RIGHT_FOOT),
    (Landmark.LEFT_WRIST, Landmark.LEFT_INDEX_FINGER),
    (Landmark.RIGHT_WRIST, Landmark.RIGHT_INDEX_FINGER),
    (Landmark.NOSE, Landmark.LEFT_SHOULDER),
    (Landmark.NOSE, Landmark.RIGHT_SHOULDER),
)
DIRECTION_DIM = 3 * len(BODY_SEGMENTS)
MIN_LENGTH_M = 1e-3  # of a segment, against division by zero


def compute_directions(landmarks: Floats) -> Floats:
    """(54,) unit vectors of BODY_SEGMENTS in the body's frame, from landmarks (33, 3) in metres."""
    points = turn_to_front(landmarks)
    starts, ends = np.array(BODY_SEGMENTS).T
    segments = points[ends] - points[starts]
    lengths = np.linalg.norm(segments, axis=1, keepdims=True)
    return np.asarray((segments / np.maximum(lengths, MIN_LENGTH_M)).ravel())


def turn_to_front(landmarks: Floats) -> Floats:
    """Landmarks (33, 3) turned about the vertical until hips and shoulders together lie across the picture.

    The body then looks the same from wherever it was filmed; up and down stay, so that lying differs from
    standing.
    """
    shoulders = landmarks[Landmark.LEFT_SHOULDER] - landmarks[Landmark.RIGHT_SHOULDER]
    x, _, z = shoulders + landmarks[Landmark.LEFT_HIP] - landmarks[Landmark.RIGHT_HIP]
    angle = np.arctan2(z, x)
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = landmarks.copy()
    turned[:, 0] = cosine * landmarks[:, 0] + sine * landmarks[:, 2]
    turned[:, 2] = cosine * landmarks[:, 2] - sine * landmarks[:, 0]
    return turned

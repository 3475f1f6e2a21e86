"""Alignment of faces by their landmarks, and the quality of a face for expression recognition.

Landmarks are (m, 5, 2) in px: left eye, right eye, nose, left and right corner of the mouth, as MTCNN gives
them; left is the picture's. A similarity transform (rotation, scale, translation) maps them to a template by
least squares (Umeyama 1991).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8]

ALIGNED_SIDE_PX = 64  # of an aligned face
LANDMARK_TEMPLATE = np.array([[0.3, 0.38], [0.7, 0.38], [0.5, 0.6], [0.335, 0.78], [0.665, 0.78]], np.float32)
MIN_SCALE = 1e-3  # least scale, also of landmarks that coincide
GRID_SIZE = 8  # points along each side that sample the share of a face inside its frame

# Where quality begins to fall, and where it is 0.
INSIDE_SHARE_RAMP = (0.9, 0.4)  # share of the face within the frame
BOX_SIDE_RAMP_PX = (40.0, 5.0)  # of the box's shorter side: mini-Xception was trained on faces of 48 px
YAW_RAMP = (0.25, 0.6)  # nose from the midpoint of the eyes, along their line, in eye distances
EYE_DISTANCE_RAMP = (0.6, 0.25)  # eye distance over the height from eyes to mouth; about 1 from the front
ROLL_RAMP_DEGREES = (25.0, 75.0)  # rotation of the eyes' line


def estimate_similarity(landmarks: Floats) -> Floats:
    """Similarity transforms (m, 2, 3) from px of the frame to px of an aligned face."""
    template = LANDMARK_TEMPLATE * ALIGNED_SIDE_PX
    centroid, template_centroid = landmarks.mean(axis=1), template.mean(axis=0)
    x, y = np.moveaxis(landmarks - centroid[:, None], 2, 0)
    u, v = (template - template_centroid).T
    square_sum = np.maximum((x**2 + y**2).sum(axis=1), 1e-9)
    cos, sin = (x * u + y * v).sum(axis=1) / square_sum, (x * v - y * u).sum(axis=1) / square_sum
    cos = np.where(np.hypot(cos, sin) < MIN_SCALE, MIN_SCALE, cos)
    rotation = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
    translation = template_centroid - np.einsum("mij,mj->mi", rotation, centroid)
    return np.concatenate([rotation, translation[:, :, None]], axis=2).astype(np.float32)


def align_face(frame: Pixels, transform: Floats) -> Grey:
    """Aligned grey face (64, 64) of a frame (h, w, 3) RGB, by a transform (2, 3) of `estimate_similarity`.

    Large faces are first shrunk by area averages, against aliasing. Beyond the frame its edge is repeated.
    """
    corners = map_to_frame(
        transform,
        np.array(
            [[0, 0], [ALIGNED_SIDE_PX, 0], [0, ALIGNED_SIDE_PX], [ALIGNED_SIDE_PX, ALIGNED_SIDE_PX]],
            np.float32,
        ),
    )
    size = np.array(frame.shape[1::-1])
    low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, size - 1).astype(np.intp)
    high = np.maximum(np.minimum(np.ceil(corners.max(axis=0)) + 2, size), low + 1).astype(np.intp)
    grey = cv2.cvtColor(frame[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY)
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    if scale < 1:
        shrunk_size = np.maximum(np.rint((high - low) * scale), 1).astype(int)
        grey = cv2.resize(grey, (int(shrunk_size[0]), int(shrunk_size[1])), interpolation=cv2.INTER_AREA)
    pixel_ratio = (high - low) / np.array(grey.shape[1::-1])  # px of the frame per px of `grey`
    rotation = transform[:, :2] * pixel_ratio
    translation = transform[:, :2] @ (low + (pixel_ratio - 1) / 2) + transform[:, 2]
    matrix = np.concatenate([rotation, translation[:, None]], axis=1).astype(np.float64)
    return np.asarray(
        cv2.warpAffine(grey, matrix, (ALIGNED_SIDE_PX, ALIGNED_SIDE_PX), borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def map_to_frame(transform: Floats, points: Floats) -> Floats:
    """Points (k, 2) of the aligned face in px of the frame: the inverse of a transform (2, 3)."""
    return np.asarray(np.linalg.solve(transform[:, :2], (points - transform[:, 2]).T).T, np.float32)


def compute_frontality(landmarks: Floats) -> Floats:
    """(m,) in [0, 1]: 1 for an upright frontal face, 0 in profile or rotated by 75 degrees and more.

    The least of three: distance of the nose from the midpoint of the eyes (yaw), eye distance relative to the
    height of the face, and slope of the line through the eyes (roll).
    """
    eyes = landmarks[:, 1] - landmarks[:, 0]
    eye_distance = np.maximum(np.linalg.norm(eyes, axis=1), 1e-6)
    direction = eyes / eye_distance[:, None]
    eye_centre, mouth_centre = landmarks[:, :2].mean(axis=1), landmarks[:, 3:].mean(axis=1)
    yaw = np.abs(((landmarks[:, 2] - eye_centre) * direction).sum(axis=1)) / eye_distance
    down = mouth_centre - eye_centre
    height = np.abs(direction[:, 0] * down[:, 1] - direction[:, 1] * down[:, 0])
    relative_distance = eye_distance / np.maximum(height, 1e-6)
    roll = np.abs(np.degrees(np.arctan2(eyes[:, 1], eyes[:, 0])))
    return np.min(
        [
            compute_ramp(yaw, YAW_RAMP),
            compute_ramp(relative_distance, EYE_DISTANCE_RAMP),
            compute_ramp(roll, ROLL_RAMP_DEGREES),
        ],
        axis=0,
    ).astype(np.float32)


def compute_inside_share(landmarks: Floats, height: int, width: int) -> Floats:
    """(m,) the share of each aligned face's square that lies within a frame of height x width px."""
    positions = (np.arange(GRID_SIZE) + 0.5) / GRID_SIZE * ALIGNED_SIDE_PX
    points = np.stack(np.meshgrid(positions, positions), axis=-1, dtype=np.float32).reshape(-1, 2)
    shares = []
    for transform in estimate_similarity(landmarks):
        x, y = map_to_frame(transform, points).T
        shares.append(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean())
    return np.array(shares, np.float32)


def compute_face_quality(landmarks: Floats, boxes: Floats, height: int, width: int) -> Floats:
    """Quality (m,) in [0, 1] of faces: the product of frontality, share inside the frame, and size.

    boxes: (m, 4) x0 y0 x1 y1 in px
    height, width: of the frame in px
    """
    shorter_side = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    inside = compute_ramp(compute_inside_share(landmarks, height, width), INSIDE_SHARE_RAMP)
    return np.asarray(
        compute_frontality(landmarks) * inside * compute_ramp(shorter_side, BOX_SIDE_RAMP_PX), np.float32
    )


def compute_ramp(values: Floats, bounds: tuple[float, float]) -> Floats:
    """1 up to the first bound, 0 from the second, linear between; bounds may be descending."""
    one_at, zero_at = bounds
    return np.clip((values - zero_at) / (one_at - zero_at), 0, 1)

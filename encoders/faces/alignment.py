"""Faces turned upright and brought to one size by their landmarks, and how well they can be read at all.

Landmarks are (m, 5, 2) in px: left eye, right eye, nose, left and right corner of the mouth, as MTCNN gives
them; left is the picture's. A similarity (turn, size, shift) takes them as near as can be to a template
(least squares; Umeyama 1991), so the same part of a face is always in the same place.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.uint8]

ALIGNED_SIDE_PX = 64  # of an aligned face in px
LANDMARK_TEMPLATE = np.array([[0.3, 0.38], [0.7, 0.38], [0.5, 0.6], [0.335, 0.78], [0.665, 0.78]], np.float32)
MIN_SCALE = 1e-3  # landmarks that coincide have no size; a face is never this much larger than SIDE
GRID_SIZE = 8  # points a side by which the part of a face within its frame is measured

# Where quality begins to fall and where nothing is left of it.
INSIDE_SHARE_RAMP = (0.9, 0.4)  # share of the face within the frame
BOX_SIDE_RAMP_PX = (40.0, 5.0)  # px of the box's shorter side: mini-Xception learnt from faces of 48 px
YAW_RAMP = (0.25, 0.6)  # nose from the middle of the eyes, in eye distances along the eyes' line
EYE_DISTANCE_RAMP = (0.6, 0.25)  # eye distance over the height from eyes to mouth; about 1 from the front
ROLL_RAMP_DEGREES = (25.0, 75.0)  # degrees the eyes' line is turned by


def estimate_similarity(landmarks: Floats) -> Floats:
    """(m, 2, 3) from px of the frame to px of an aligned face of SIDE px."""
    goal = LANDMARK_TEMPLATE * ALIGNED_SIDE_PX
    middle, centre = landmarks.mean(axis=1), goal.mean(axis=0)
    x, y = np.moveaxis(landmarks - middle[:, None], 2, 0)
    u, v = (goal - centre).T
    size = np.maximum((x**2 + y**2).sum(axis=1), 1e-9)
    cos, sin = (x * u + y * v).sum(axis=1) / size, (x * v - y * u).sum(axis=1) / size
    cos = np.where(np.hypot(cos, sin) < MIN_SCALE, MIN_SCALE, cos)
    turn = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)
    shift = centre - np.einsum("mij,mj->mi", turn, middle)
    return np.concatenate([turn, shift[:, :, None]], axis=2).astype(np.float32)


def align_face(frame: Pixels, transform: Floats) -> Grey:
    """(SIDE, SIDE) grey: a frame (h, w, 3) RGB through one of `similarity`'s maps (2, 3).

    Large faces are first made smaller by means over areas, as single pixels of them would say too little.
    Beyond the frame its edge is repeated.
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
        wanted = np.maximum(np.rint((high - low) * scale), 1).astype(int)
        grey = cv2.resize(grey, (int(wanted[0]), int(wanted[1])), interpolation=cv2.INTER_AREA)
    grain = (high - low) / np.array(grey.shape[1::-1])  # px of the frame for one of `grey`
    turn = transform[:, :2] * grain
    shift = transform[:, :2] @ (low + (grain - 1) / 2) + transform[:, 2]
    whole = np.concatenate([turn, shift[:, None]], axis=1).astype(np.float64)
    return np.asarray(
        cv2.warpAffine(grey, whole, (ALIGNED_SIDE_PX, ALIGNED_SIDE_PX), borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def map_to_frame(transform: Floats, points: Floats) -> Floats:
    """Points (k, 2) of the aligned face in px of the frame, by a map (2, 3): (k, 2)."""
    return np.asarray(np.linalg.solve(transform[:, :2], (points - transform[:, 2]).T).T, np.float32)


def compute_frontality(landmarks: Floats) -> Floats:
    """(m,) in [0, 1]: 1 for an upright face seen from the front, 0 in profile or lying on its side.

    The least of three: how near the nose is to the middle of the eyes, how broad the eyes are set for the
    height of the face, and how level they lie.
    """
    eyes = landmarks[:, 1] - landmarks[:, 0]
    apart = np.maximum(np.linalg.norm(eyes, axis=1), 1e-6)
    along = eyes / apart[:, None]
    middle, mouth = landmarks[:, :2].mean(axis=1), landmarks[:, 3:].mean(axis=1)
    yaw = np.abs(((landmarks[:, 2] - middle) * along).sum(axis=1)) / apart
    down = mouth - middle
    height = np.abs(along[:, 0] * down[:, 1] - along[:, 1] * down[:, 0])
    broad = apart / np.maximum(height, 1e-6)
    roll = np.abs(np.degrees(np.arctan2(eyes[:, 1], eyes[:, 0])))
    return np.min(
        [
            compute_ramp(yaw, YAW_RAMP),
            compute_ramp(broad, EYE_DISTANCE_RAMP),
            compute_ramp(roll, ROLL_RAMP_DEGREES),
        ],
        axis=0,
    ).astype(np.float32)


def compute_inside_share(landmarks: Floats, height: int, width: int) -> Floats:
    """(m,) the share of each aligned face's square that lies within a frame of height x width px."""
    steps = (np.arange(GRID_SIZE) + 0.5) / GRID_SIZE * ALIGNED_SIDE_PX
    points = np.stack(np.meshgrid(steps, steps), axis=-1, dtype=np.float32).reshape(-1, 2)
    shares = []
    for to in estimate_similarity(landmarks):
        x, y = map_to_frame(to, points).T
        shares.append(((x >= 0) & (x < width) & (y >= 0) & (y < height)).mean())
    return np.array(shares, np.float32)


def compute_face_quality(landmarks: Floats, boxes: Floats, height: int, width: int) -> Floats:
    """(m,) in [0, 1] how well faces of a frame of height x width px can be read.

    boxes: (m, 4) x0 y0 x1 y1 in px

    A product: seen from the front, within the frame, large enough.
    """
    least = (boxes[:, 2:] - boxes[:, :2]).min(axis=1)
    within = compute_ramp(compute_inside_share(landmarks, height, width), INSIDE_SHARE_RAMP)
    return np.asarray(
        compute_frontality(landmarks) * within * compute_ramp(least, BOX_SIDE_RAMP_PX), np.float32
    )


def compute_ramp(values: Floats, bounds: tuple[float, float]) -> Floats:
    """1 up to the first end, 0 from the second, straight between; ends may fall."""
    whole, nothing = bounds
    return np.clip((values - nothing) / (whole - nothing), 0, 1)

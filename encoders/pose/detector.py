"""Detection of bodies by BlazePose's detector (Bazarevsky et al. 2020), with MediaPipe's constants.

A single-shot detector (Liu et al. 2016): each anchor has a score, a box and four key points. The middle of
the hips and a point of the circle around the body tell where the body is, how large and how turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from encoders.pose.crops import SquareCrop
from encoders.pose.networks import TfliteNetwork

Floats = npt.NDArray[np.float64]

INPUT_SIDE = 224  # px
ANCHOR_LAYERS = ((28, 2), (14, 2), (7, 6))  # cells along each side, anchors in each cell
MIN_SCORE = 0.5
MIN_IOU = 0.3  # of boxes that are averaged with the best one
MAX_LOGIT = 100.0
HIPS, CIRCLE = 0, 1  # key points: the middle of the hips, and one on the circle around the body
BODY_MARGIN = 1.25  # side of the crop as a multiple of the circle's diameter


@dataclass(frozen=True, kw_only=True)
class BodyDetector:
    """The most certain body of a picture."""

    network: TfliteNetwork

    def detect(self, frame: npt.NDArray[np.uint8]) -> SquareCrop | None:
        """The square around the body in a frame (h, w, 3), turned upright; None without a body."""
        height, width = frame.shape[:2]
        whole = SquareCrop(centre=(width / 2, height / 2), side=max(height, width))
        values, logits = self.network(whole.cut(frame, INPUT_SIDE) / np.float32(127.5) - 1)
        return find_best_body(values, logits[:, 0], whole)


def find_best_body(
    values: npt.NDArray[np.float32], logits: npt.NDArray[np.float32], whole: SquareCrop
) -> SquareCrop | None:
    """The square around the body of the best anchor; None where none scores MIN_SCORE.

    values: (anchors, 12) in px of the input: centre, size and four key points, from the anchor's centre
    logits: (anchors,)
    whole:  of the picture that the detector saw

    Anchors that overlap the best one are averaged with it, weighted by score.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -MAX_LOGIT, MAX_LOGIT)))
    candidates = np.flatnonzero(scores >= MIN_SCORE)
    if not len(candidates):
        return None
    anchors, weights = make_anchors()[candidates], scores[candidates]
    offsets = values[candidates].astype(np.float64) / INPUT_SIDE
    centres, sizes = anchors + offsets[:, :2], offsets[:, 2:4]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    near = compute_ious(boxes[weights.argmax()], boxes) >= MIN_IOU
    key_points = anchors[near, None] + offsets[near, 4:].reshape(-1, 4, 2)
    points = whole.to_picture(np.average(key_points, axis=0, weights=weights[near]))
    return make_body_crop(points[HIPS], points[CIRCLE])


def make_body_crop(hips: Floats, circle: Floats) -> SquareCrop:
    """The square around a body from two points (2,) in px; a body that stands upright is not turned."""
    x, y = circle - hips
    return SquareCrop(
        centre=(float(hips[0]), float(hips[1])),
        side=float(2 * BODY_MARGIN * np.hypot(x, y)),
        angle=float(np.arctan2(x, -y)),
    )


def compute_ious(box: Floats, boxes: Floats) -> Floats:
    """(m,) intersection over union of a box (4,), x0 y0 x1 y1, with boxes (m, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(shared / (areas + (box[2:] - box[:2]).prod() - shared))


@cache
def make_anchors() -> Floats:
    """(2254, 2) the centre x, y of every anchor as shares of the input's side, in the network's order."""
    layers = []
    for cells, count in ANCHOR_LAYERS:
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        layers.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), count, axis=0))
    return np.concatenate(layers)

"""Operations on boxes (m, 4), x0 y0 x1 y1 in px, and non-maximum suppression."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]


def make_square(boxes: Floats) -> Floats:
    """(m, 4) boxes extended about their centre to squares."""
    sides = boxes[:, 2:] - boxes[:, :2]
    longest = sides.max(axis=1, keepdims=True)
    corner = boxes[:, :2] + sides * np.float32(0.5) - longest * np.float32(0.5)
    return np.concatenate([corner, corner + longest], axis=1)


def regress_boxes(boxes: Floats, offsets: Floats) -> Floats:
    """(m, 4) boxes moved by shifts in units of their inclusive width and height."""
    return boxes + offsets * np.tile(boxes[:, 2:] - boxes[:, :2] + 1, 2)


def nms(frame_indices: Ints, scored_boxes: Floats, max_iou: float) -> Ints:
    """Indices kept by non-maximum suppression in each frame: none overlaps a better one by IoU > `max_iou`.

    scored_boxes: (m, >= 5) boxes, then scores
    """
    if not len(scored_boxes):
        return np.empty(0, np.intp)
    boxes = scored_boxes[:, :4].astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    rows_by_frame = [np.flatnonzero(frame_indices == frame) for frame in np.unique(frame_indices)]
    kept_rows = [
        rows[cv2.dnn.NMSBoxes(boxes[rows].tolist(), scored_boxes[rows, 4].tolist(), 0.0, max_iou)]
        for rows in rows_by_frame
    ]
    return np.concatenate(kept_rows)


def nms_by_min_area(frame_indices: Ints, boxes: Floats, scores: Floats, max_overlap: float) -> Ints:
    """Like `nms`, but overlap is relative to the smaller box, so that a face inside a face is suppressed.

    Of equal scores the last wins, as in facenet-pytorch: where a face fills the frame, all its candidates
    are cut to the same pixels.
    """
    side = boxes[:, 2:] - boxes[:, :2] + 1
    area = side.prod(axis=1)
    keep: list[int] = []
    for i in np.argsort(scores, kind="stable")[::-1]:
        same_frame = [k for k in keep if frame_indices[k] == frame_indices[i]]
        low, high = (
            np.maximum(boxes[same_frame, :2], boxes[i, :2]),
            np.minimum(boxes[same_frame, 2:], boxes[i, 2:]),
        )
        shared = np.maximum(high - low + 1, 0).prod(axis=1)
        if not (shared > max_overlap * np.minimum(area[same_frame], area[i])).any():
            keep.append(i)
    return np.array(keep, np.intp)

"""Area resizing by summed-area tables (Crow 1984): one table per frame serves all pyramid levels and crops.

Bins are those of torch's adaptive pooling (`interpolate(mode="area")`), which overlap where sizes don't
divide; OpenCV's INTER_AREA weights shared pixels instead, which the networks were not trained on.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import Frames

SummedAreaTables = npt.NDArray[np.int32]  # (t, h + 1, w + 1, 4): sums over all pixels above and to the left
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]


def compute_summed_areas(frames: Frames) -> SummedAreaTables:
    """Summed-area tables of frames (t, h, w, 3). A fourth channel makes a pixel 16 bytes, copied at once.

    Sums of huge frames overflow 32 bits; their differences are still correct.
    """
    out = np.empty((len(frames), frames.shape[1] + 1, frames.shape[2] + 1, 4), np.int32)
    for frame, table in zip(frames, out, strict=True):
        cv2.integral(cv2.cvtColor(frame, cv2.COLOR_RGB2RGBA), table, cv2.CV_32S)
    return out


def compute_bins(size: int | Ints, count: int) -> tuple[Ints, Ints]:
    """(..., count) starts and ends of `count` bins over `size` (...) pixels, as torch's adaptive pooling."""
    i, size = np.arange(count), np.asarray(size)[..., None]
    return i * size // count, -(-(i + 1) * size // count)


def resize_by_area(tables: SummedAreaTables, height: int, width: int) -> Floats:
    """Frames (t, 3, height, width) resized, and scaled from [0, 255] to [-1, 1)."""
    (top, bottom), (left, right) = (
        compute_bins(tables.shape[1] - 1, height),
        compute_bins(tables.shape[2] - 1, width),
    )
    scale = _compute_scale((bottom - top)[:, None] * (right - left))
    out = np.empty((len(tables), 3, height, width), np.float32)
    for table, image in zip(tables, out, strict=True):
        rows = table[bottom] - table[top]
        boxes = rows.take(right, axis=1) - rows.take(left, axis=1)
        _normalise(boxes.transpose(2, 0, 1)[:3], scale, image)
    return out


def crop_boxes(tables: SummedAreaTables, frame_indices: Ints, pixel_boxes: Ints, side: int) -> Floats:
    """Crops (m, 3, side, side) in [-1, 1) of boxes (m, 4), x0 y0 x1 y1 in whole px, of frames (m,)."""
    x0, y0, x1, y1 = pixel_boxes.T
    left, right = (edge + x0[:, None] for edge in compute_bins(x1 - x0, side))
    top, bottom = (edge + y0[:, None] for edge in compute_bins(y1 - y0, side))
    flat = tables.reshape(-1, 4)
    base = (frame_indices * tables.shape[1])[:, None]
    low, high = (((base + edge) * tables.shape[2])[:, :, None] for edge in (top, bottom))
    left, right = left[:, None], right[:, None]
    boxes = flat.take(high + right, 0) - flat.take(high + left, 0)
    boxes -= flat.take(low + right, 0) - flat.take(low + left, 0)
    area = (bottom - top)[:, :, None] * (right - left)
    out = np.empty((len(pixel_boxes), 3, side, side), np.float32)
    _normalise(boxes.transpose(0, 3, 1, 2)[:, :3], _compute_scale(area)[:, None], out)
    return out


def _compute_scale(area: Ints) -> Floats:
    return (1 / (128 * area)).astype(np.float32)


def _normalise(sums: SummedAreaTables, scale: Floats, out: Floats) -> None:
    np.multiply(sums, scale, out=out, dtype=np.float32, casting="unsafe")
    out -= np.float32(127.5 / 128)

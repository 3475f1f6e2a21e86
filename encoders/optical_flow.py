"""Features of activity: object features of the first and the second half of a clip, and dense optical flow.

The halves are concatenated, so that the order of events counts: standing up differs from sitting down.
Appearance and motion together are those of two-stream networks (Simonyan & Zisserman 2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from encoders.base import EncoderCard, Frames, Rows
from encoders.efficientnet import LAYOUT_SHAPE, EfficientNetLite2, FrameFeatures, efficientnet_lite2

FLOW_SIDE = 128  # px, to which frames are resized before their flow is computed
FLOW_GRID = 4  # cells along each side
FLOW_MEASURES = ("u", "v", "magnitude", "divergence", "rotation")
LAYOUT_DIM = int(np.prod(LAYOUT_SHAPE))
FLOW_DIM = 2 * len(FLOW_MEASURES) * FLOW_GRID**2  # mean and spread of each measure in each cell
DIM = 2 * LAYOUT_DIM + FLOW_DIM

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AppearanceFlowEncoder:
    """Rows (n, 4384), raw: layout of the first half (2112), of the second (2112), flow (160).

    `backbone` is the object network. A caller that runs it on the same frames anyway passes its features to
    `encode_features`, so that it runs once. A single frame abstains.
    """

    card: EncoderCard
    backbone: EfficientNetLite2

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, 4384), raw; NaN for a picture (one frame)."""
        moving = [i for i, frames in enumerate(items) if len(frames) > 1]
        rows = np.full((len(items), DIM), np.nan, np.float32)
        clips = [items[i] for i in moving]
        rows[moving] = self.encode_features(clips, self.backbone.extract_features(clips))
        return rows

    def encode_features(self, items: Sequence[Frames], features: Sequence[FrameFeatures]) -> Rows:
        """Rows (n, 4384) of items whose backbone features are computed already."""
        rows = np.full((len(items), DIM), np.nan, np.float32)
        for row, frames, item in zip(rows, items, features, strict=True):
            if len(frames) > 1:
                row[:] = np.concatenate([*average_halves(item.layout), compute_flow_features(frames)])
        return rows


def average_halves(rows: Rows) -> tuple[Rows, Rows]:
    """Means (d,) of the first and the last half of rows (t, d); an odd middle counts half in each."""
    cumulative = np.minimum(np.arange(1, len(rows) + 1), len(rows) / 2)  # cumulative weight in the first half
    weights = np.diff(cumulative, prepend=0).astype(np.float32) * 2 / len(rows)
    return np.asarray(weights @ rows, np.float32), np.asarray(weights[::-1] @ rows, np.float32)


def compute_flow_features(frames: Frames) -> Floats:
    """(160,) by FLOW_MEASURES and cell, row by row: means over the steps between t frames, then spreads.

    u is to the right and v down, in shares of the picture a step; spreads are standard deviations.
    """
    grey = [_resize_to_grey(frame) for frame in frames]
    steps = np.stack([_average_flow_cells(compute_optical_flow(a, b)) for a, b in pairwise(grey)])
    return np.concatenate([steps.mean(axis=0), steps.std(axis=0)]).ravel()


def compute_optical_flow(previous: npt.NDArray[np.uint8], current: npt.NDArray[np.uint8]) -> Floats:
    """Flow (h, w, 2) in px between grey pictures (h, w): DIS, fast preset (Kroeger et al. 2016)."""
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return np.asarray(estimator.calc(previous, current, None), np.float32)  # type: ignore[call-overload]


def _resize_to_grey(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    shrinks = frame.shape[0] > FLOW_SIDE or frame.shape[1] > FLOW_SIDE
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(
        cv2.cvtColor(cv2.resize(frame, (FLOW_SIDE, FLOW_SIDE), interpolation=method), cv2.COLOR_RGB2GRAY)
    )


def _average_flow_cells(flow: Floats) -> Floats:
    """(5, 4, 4) FLOW_MEASURES of a flow (128, 128, 2), averaged within each cell."""
    u, v = flow[..., 0], flow[..., 1]
    # a pixel is 1 / FLOW_SIDE along both axes, so these derivatives need no scale
    (u_down, u_right), (v_down, v_right) = np.gradient(u), np.gradient(v)
    measures = np.stack(
        [u / FLOW_SIDE, v / FLOW_SIDE, np.hypot(u, v) / FLOW_SIDE, u_right + v_down, v_right - u_down]
    )
    cell_side = FLOW_SIDE // FLOW_GRID
    cells = measures.reshape(len(FLOW_MEASURES), FLOW_GRID, cell_side, FLOW_GRID, cell_side).mean(axis=(2, 4))
    return np.asarray(cells, np.float32)


def lite2_flow() -> AppearanceFlowEncoder:
    """Layout features of EfficientNet-Lite2 and DIS flow."""
    backbone = efficientnet_lite2()
    return AppearanceFlowEncoder(replace(backbone.card, name="lite2-flow", dim=DIM, version="1"), backbone)

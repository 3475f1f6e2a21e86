"""Faces by the cascade of Zhang et al. 2016 (MTCNN), with the weights and the rules of facenet-pytorch 2.5.3.

Three networks of growing care: P slides over an image pyramid, R refuses most of what P proposes, O refines
the rest and finds five landmarks. Arithmetic outside the networks is numpy and OpenCV; torch is imported
only to export the networks, once. Frames of one size go through together.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from encoders.base import Frames, MissingBackendError
from encoders.faces.boxes import make_square, nms, nms_by_min_area, regress_boxes
from encoders.faces.summed_area import SummedAreaTables, compute_summed_areas, crop_boxes, resize_by_area
from encoders.files import compute_sha256
from encoders.onnx_runtime import Network, load_network

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

MAX_CHUNK_PIXELS = 1 << 19  # of frames at once: their tables of sums take 16 bytes a pixel
BATCH_SIZE = 32  # through R or O at once: what a core keeps close at hand


@dataclass(frozen=True, kw_only=True)
class FaceDetections:
    """Boxes of some frames, one row each: `frame_indices` (m,), `boxes` (m, 4) x0 y0 x1 y1 in px, `scores`
    (m,), `landmarks` (m, 5, 2) in px: eyes, nose, corners of the mouth. Boxes may reach over the frame's
    edge.
    """

    frame_indices: Ints
    boxes: Floats
    scores: Floats
    landmarks: Floats


@dataclass(frozen=True, kw_only=True)
class MTCNN:
    """MTCNN. `min_face_side` is the side in px of the smallest face sought, `scale_factor` the step of the
    pyramid, `thresholds` the scores to pass P, R and O; the defaults are facenet-pytorch's.
    """

    pnet: Network
    rnet: Network
    onet: Network
    min_face_side: int = 20
    scale_factor: float = 0.709
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)

    def detect(self, frames: Frames) -> FaceDetections:
        """All faces of frames (t, h, w, 3) uint8 RGB, by frame, then by falling size.

        Frames without a face, or smaller than a face, have no rows; nothing is raised for them. Memory grows
        with the frames: `stretches` cuts a long clip.
        """
        if not len(frames):
            return _make_empty_detections()
        sums = compute_summed_areas(frames)
        owner, boxes = self._refine_boxes(sums, *self._propose_boxes(sums))
        found = self._locate_landmarks(sums, owner, boxes)
        side = found.boxes[:, 2:] - found.boxes[:, :2]
        order = np.lexsort((-side.prod(axis=1), found.frame_indices))
        return FaceDetections(
            frame_indices=found.frame_indices[order],
            boxes=found.boxes[order],
            scores=found.scores[order],
            landmarks=found.landmarks[order],
        )

    def _propose_boxes(self, tables: SummedAreaTables) -> tuple[Ints, Floats]:
        """Stage 1: (owner (m,), square boxes (m, 4)) of all places P likes."""
        scales = compute_pyramid_scales(
            tables.shape[1] - 1, tables.shape[2] - 1, self.min_face_side, self.scale_factor
        )
        found = [self._run_pnet(tables, scale) for scale in scales]
        if not found:
            return np.empty(0, np.intp), np.empty((0, 4), np.float32)
        owner, rows = (np.concatenate(part) for part in zip(*found, strict=True))
        keep = nms(owner, rows, 0.7)
        owner, rows = owner[keep], rows[keep]
        side = rows[:, 2:4] - rows[:, :2]
        return owner, make_square(rows[:, :4] + rows[:, 5:] * np.tile(side, 2))

    def _run_pnet(self, tables: SummedAreaTables, scale: float) -> tuple[Ints, Floats]:
        """P over one level: owners and rows (x0, y0, x1, y1, score, 4 shifts), thinned per frame."""
        h, w = (int(size * scale + 1) for size in (tables.shape[1] - 1, tables.shape[2] - 1))
        shifts, scores = self.pnet(resize_by_area(tables, h, w))
        owner, y, x = np.nonzero(scores >= self.thresholds[0])
        corner = 2 * np.stack([x, y], axis=1).astype(np.float32)
        box = [np.floor((corner + 1) / np.float32(scale)), np.floor((corner + 12) / np.float32(scale))]
        rows = np.concatenate([*box, scores[owner, y, x, None], shifts[owner, :, y, x]], axis=1)
        keep = nms(owner, rows, 0.5)
        return owner[keep], rows[keep]

    def _refine_boxes(
        self, tables: SummedAreaTables, frame_indices: Ints, boxes: Floats
    ) -> tuple[Ints, Floats]:
        """Stage 2: what R passes, shifted and squared."""
        frame_indices, boxes, (shifts, scores) = _run_on_crops(self.rnet, tables, frame_indices, boxes, 24)
        good = scores > self.thresholds[1]
        frame_indices, shifts = frame_indices[good], shifts[good]
        rows = np.column_stack([boxes[good], scores[good]])
        keep = nms(frame_indices, rows, 0.7)
        return frame_indices[keep], make_square(regress_boxes(rows[keep, :4], shifts[keep]))

    def _locate_landmarks(
        self, tables: SummedAreaTables, frame_indices: Ints, boxes: Floats
    ) -> FaceDetections:
        """Stage 3: what O passes, with landmarks."""
        frame_indices, boxes, (shifts, points, scores) = _run_on_crops(
            self.onet, tables, frame_indices, boxes, 48
        )
        good = scores > self.thresholds[2]
        frame_indices, boxes, scores = frame_indices[good], boxes[good], scores[good]
        side = boxes[:, 2:] - boxes[:, :2] + 1
        marks = points[good].reshape(-1, 2, 5).swapaxes(1, 2) * side[:, None] + boxes[:, None, :2] - 1
        boxes = regress_boxes(boxes, shifts[good])
        keep = nms_by_min_area(frame_indices, boxes, scores, 0.7)
        return FaceDetections(
            frame_indices=frame_indices[keep], boxes=boxes[keep], scores=scores[keep], landmarks=marks[keep]
        )


def compute_pyramid_scales(
    height: int, width: int, min_face_side: int = 20, scale_factor: float = 0.709
) -> list[float]:
    """Scales at which P's 12 px window is a face of `min_face_side` px, the next, ... up to the frame."""
    scale, side = 12 / min_face_side, min(height, width) * 12 / min_face_side
    scales = []
    while side >= 12:
        scales.append(scale)
        scale, side = scale * scale_factor, side * scale_factor
    return scales


def _run_on_crops(
    net: Network, tables: SummedAreaTables, frame_indices: Ints, boxes: Floats, side: int
) -> tuple[Ints, Floats, list[Floats]]:
    """Owners and boxes that touch their frame, and the network's outputs for their crops."""
    h, w = tables.shape[1] - 1, tables.shape[2] - 1
    x0, y0, x1, y1 = np.trunc(boxes).astype(np.intp).T
    cut = np.stack([np.maximum(x0, 1) - 1, np.maximum(y0, 1) - 1, np.minimum(x1, w), np.minimum(y1, h)], 1)
    real = (cut[:, 0] < cut[:, 2]) & (cut[:, 1] < cut[:, 3])
    frame_indices, boxes, cut = frame_indices[real], boxes[real], cut[real]
    starts = range(0, max(len(cut), 1), BATCH_SIZE)
    outs = [
        net(crop_boxes(tables, frame_indices[i : i + BATCH_SIZE], cut[i : i + BATCH_SIZE], side))
        for i in starts
    ]
    return frame_indices, boxes, [np.concatenate(part) for part in zip(*outs, strict=True)]


def find_weight_files() -> list[Path]:
    """pnet.pt, rnet.pt and onet.pt of facenet-pytorch, found without importing it.

    Raises MissingBackendError where it is not installed.
    """
    spec = find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise MissingBackendError(
            "finding faces needs facenet-pytorch: pip install 'facenet-pytorch>=2.5.3,<2.6'"
        )
    folder = Path(spec.submodule_search_locations[0]) / "data"
    return [folder / f"{name}net.pt" for name in "pro"]


def load_mtcnn(min_face_side: int = 20) -> MTCNN:
    """The cascade with facenet-pytorch's weights; `min_face_side` is the least side of a face in px."""
    key = compute_sha256(*find_weight_files())[:12]
    sizes: dict[str, tuple[int, int, dict[int, str]]] = {
        "p": (40, 52, {0: "n", 2: "h", 3: "w"}),
        "r": (24, 24, {0: "n"}),
        "o": (48, 48, {0: "n"}),
    }
    p, r, o = (
        load_network(
            f"mtcnn-{letter}-2-{key}",
            functools.partial(_build_stage, letter),
            [_make_example_input(h, w)],
            [axes],
            threads=1,
        )
        for letter, (h, w, axes) in sizes.items()
    )
    return MTCNN(pnet=p, rnet=r, onet=o, min_face_side=min_face_side)


def _make_example_input(height: int, width: int) -> Floats:
    return np.random.default_rng(0).uniform(-1, 1, (3, 3, height, width)).astype(np.float32)


def _build_stage(letter: str) -> nn.Module:
    from facenet_pytorch.models import mtcnn as stages

    from encoders.faces.torch_networks import MTCNNStage

    return MTCNNStage(getattr(stages, f"{letter.upper()}Net")())


def split_into_chunks(clip: Frames) -> Iterator[tuple[int, Frames]]:
    """A clip in parts of bounded memory, and the number of the first frame of each."""
    step = max(MAX_CHUNK_PIXELS // max(clip[:1, :, :, 0].size, 1), 1)
    for first in range(0, len(clip), step):
        yield first, clip[first : first + step]


def _make_empty_detections() -> FaceDetections:
    return FaceDetections(
        frame_indices=np.empty(0, np.intp),
        boxes=np.empty((0, 4), np.float32),
        scores=np.empty(0, np.float32),
        landmarks=np.empty((0, 5, 2), np.float32),
    )

"""Face detection by MTCNN (Zhang et al. 2016), with the weights and thresholds of facenet-pytorch 2.5.3.

A cascade of three networks: P proposes boxes on an image pyramid, R rejects most of them, O refines the rest
and locates five landmarks. Arithmetic outside the networks is numpy and OpenCV; torch is imported only to
export the networks, once. Frames of one size are processed together.
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

MAX_CHUNK_PIXELS = 1 << 19  # of a chunk of frames: summed-area tables take 16 bytes a pixel
BATCH_SIZE = 32  # crops through R or O: more don't fit in a core's cache


@dataclass(frozen=True, kw_only=True)
class FaceDetections:
    """m faces detected in a sequence of frames.

    frame_indices: (m,)
    boxes:         (m, 4) x0 y0 x1 y1 in px; they may extend beyond the frame
    scores:        (m,) probabilities
    landmarks:     (m, 5, 2) in px: eyes, nose, corners of the mouth
    """

    frame_indices: Ints
    boxes: Floats
    scores: Floats
    landmarks: Floats


@dataclass(frozen=True, kw_only=True)
class MTCNN:
    """The cascade of detectors; the defaults are facenet-pytorch's.

    min_face_side: side in px of the smallest face to detect
    scale_factor:  between levels of the pyramid
    thresholds:    least scores of P, R and O
    """

    pnet: Network
    rnet: Network
    onet: Network
    min_face_side: int = 20
    scale_factor: float = 0.709
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)

    def detect(self, frames: Frames) -> FaceDetections:
        """All faces of frames (t, h, w, 3) uint8 RGB, by frame, then by falling size.

        Frames without a face, or smaller than a face, have no rows. Memory grows with the number of frames:
        `split_into_chunks` cuts a long clip.
        """
        if not len(frames):
            return _make_empty_detections()
        sums = compute_summed_areas(frames)
        frame_indices, boxes = self._refine_boxes(sums, *self._propose_boxes(sums))
        detections = self._locate_landmarks(sums, frame_indices, boxes)
        sides = detections.boxes[:, 2:] - detections.boxes[:, :2]
        order = np.lexsort((-sides.prod(axis=1), detections.frame_indices))
        return FaceDetections(
            frame_indices=detections.frame_indices[order],
            boxes=detections.boxes[order],
            scores=detections.scores[order],
            landmarks=detections.landmarks[order],
        )

    def _propose_boxes(self, tables: SummedAreaTables) -> tuple[Ints, Floats]:
        """Stage 1: frame indices (m,) and square boxes (m, 4) that P proposes."""
        scales = compute_pyramid_scales(
            tables.shape[1] - 1, tables.shape[2] - 1, self.min_face_side, self.scale_factor
        )
        levels = [self._run_pnet(tables, scale) for scale in scales]
        if not levels:
            return np.empty(0, np.intp), np.empty((0, 4), np.float32)
        frame_indices, rows = (np.concatenate(part) for part in zip(*levels, strict=True))
        keep = nms(frame_indices, rows, 0.7)
        frame_indices, rows = frame_indices[keep], rows[keep]
        sides = rows[:, 2:4] - rows[:, :2]
        return frame_indices, make_square(rows[:, :4] + rows[:, 5:] * np.tile(sides, 2))

    def _run_pnet(self, tables: SummedAreaTables, scale: float) -> tuple[Ints, Floats]:
        """P on one pyramid level: frame indices and rows (x0, y0, x1, y1, score, 4 offsets), after NMS."""
        h, w = (int(size * scale + 1) for size in (tables.shape[1] - 1, tables.shape[2] - 1))
        offsets, scores = self.pnet(resize_by_area(tables, h, w))
        frame_indices, y, x = np.nonzero(scores >= self.thresholds[0])
        corner = 2 * np.stack([x, y], axis=1).astype(np.float32)
        corners = [np.floor((corner + 1) / np.float32(scale)), np.floor((corner + 12) / np.float32(scale))]
        rows = np.concatenate(
            [*corners, scores[frame_indices, y, x, None], offsets[frame_indices, :, y, x]], axis=1
        )
        keep = nms(frame_indices, rows, 0.5)
        return frame_indices[keep], rows[keep]

    def _refine_boxes(
        self, tables: SummedAreaTables, frame_indices: Ints, boxes: Floats
    ) -> tuple[Ints, Floats]:
        """Stage 2: boxes that R accepts, regressed and made square."""
        frame_indices, boxes, (offsets, scores) = _run_on_crops(self.rnet, tables, frame_indices, boxes, 24)
        accepted = scores > self.thresholds[1]
        frame_indices, offsets = frame_indices[accepted], offsets[accepted]
        rows = np.column_stack([boxes[accepted], scores[accepted]])
        keep = nms(frame_indices, rows, 0.7)
        return frame_indices[keep], make_square(regress_boxes(rows[keep, :4], offsets[keep]))

    def _locate_landmarks(
        self, tables: SummedAreaTables, frame_indices: Ints, boxes: Floats
    ) -> FaceDetections:
        """Stage 3: faces that O accepts, with landmarks."""
        frame_indices, boxes, (offsets, points, scores) = _run_on_crops(
            self.onet, tables, frame_indices, boxes, 48
        )
        accepted = scores > self.thresholds[2]
        frame_indices, boxes, scores = frame_indices[accepted], boxes[accepted], scores[accepted]
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        landmarks = (
            points[accepted].reshape(-1, 2, 5).swapaxes(1, 2) * sides[:, None] + boxes[:, None, :2] - 1
        )
        boxes = regress_boxes(boxes, offsets[accepted])
        keep = nms_by_min_area(frame_indices, boxes, scores, 0.7)
        return FaceDetections(
            frame_indices=frame_indices[keep],
            boxes=boxes[keep],
            scores=scores[keep],
            landmarks=landmarks[keep],
        )


def compute_pyramid_scales(
    height: int, width: int, min_face_side: int = 20, scale_factor: float = 0.709
) -> list[float]:
    """Scales of the pyramid: P's 12 px window covers a face of `min_face_side` px, up to the whole frame."""
    scale, side = 12 / min_face_side, min(height, width) * 12 / min_face_side
    scales = []
    while side >= 12:
        scales.append(scale)
        scale, side = scale * scale_factor, side * scale_factor
    return scales


def _run_on_crops(
    net: Network, tables: SummedAreaTables, frame_indices: Ints, boxes: Floats, side: int
) -> tuple[Ints, Floats, list[Floats]]:
    """Frame indices and boxes that overlap their frame, and the network's outputs for their crops."""
    h, w = tables.shape[1] - 1, tables.shape[2] - 1
    x0, y0, x1, y1 = np.trunc(boxes).astype(np.intp).T
    clipped = np.stack(
        [np.maximum(x0, 1) - 1, np.maximum(y0, 1) - 1, np.minimum(x1, w), np.minimum(y1, h)], 1
    )
    overlaps = (clipped[:, 0] < clipped[:, 2]) & (clipped[:, 1] < clipped[:, 3])
    frame_indices, boxes, clipped = frame_indices[overlaps], boxes[overlaps], clipped[overlaps]
    starts = range(0, max(len(clipped), 1), BATCH_SIZE)
    outputs = [
        net(crop_boxes(tables, frame_indices[i : i + BATCH_SIZE], clipped[i : i + BATCH_SIZE], side))
        for i in starts
    ]
    return frame_indices, boxes, [np.concatenate(part) for part in zip(*outputs, strict=True)]


def find_weight_files() -> list[Path]:
    """Paths of pnet.pt, rnet.pt and onet.pt in facenet-pytorch, which is not imported.

    Raises MissingBackendError if it is not installed.
    """
    spec = find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        command = "pip install 'facenet-pytorch>=2.5.3,<2.6'"
        raise MissingBackendError(f"finding faces needs facenet-pytorch: {command}", command=command)
    folder = Path(spec.submodule_search_locations[0]) / "data"
    return [folder / f"{name}net.pt" for name in "pro"]


def load_mtcnn(min_face_side: int = 20) -> MTCNN:
    """The cascade with facenet-pytorch's weights; `min_face_side` is in px."""
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
    """Chunks of a clip of at most MAX_CHUNK_PIXELS, each with the index of its first frame."""
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

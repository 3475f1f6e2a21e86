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

from encoders.base import Frames, MissingBackend
from encoders.faces.boxes import nms, nms_within, shifted, squared
from encoders.faces.summed_area import Tables, crops, level, tables
from encoders.onnx_runtime import Network, network, sha256

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

PIXELS = 1 << 19  # of frames at once: their tables of sums take 16 bytes a pixel
CROPS = 32  # through R or O at once: what a core keeps close at hand


@dataclass(frozen=True, kw_only=True)
class Found:
    """Boxes of some frames, one row each: `frame` (m,), `box` (m, 4) x0 y0 x1 y1 in px, `score` (m,),
    `landmarks` (m, 5, 2) in px: eyes, nose, corners of the mouth. Boxes may reach over the frame's edge.
    """

    frame: Ints
    box: Floats
    score: Floats
    landmarks: Floats


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """MTCNN. `smallest` is the side in px of the smallest face sought, `factor` the step of the pyramid,
    `thresholds` the scores to pass P, R and O; the defaults are facenet-pytorch's.
    """

    p: Network
    r: Network
    o: Network
    smallest: int = 20
    factor: float = 0.709
    thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7)

    def detect(self, frames: Frames) -> Found:
        """All faces of frames (t, h, w, 3) uint8 RGB, by frame, then by falling size.

        Frames without a face, or smaller than a face, have no rows; nothing is raised for them. Memory grows
        with the frames: `stretches` cuts a long clip.
        """
        if not len(frames):
            return _nothing()
        sums = tables(frames)
        owner, boxes = self._refined(sums, *self._proposed(sums))
        found = self._described(sums, owner, boxes)
        side = found.box[:, 2:] - found.box[:, :2]
        order = np.lexsort((-side.prod(axis=1), found.frame))
        return Found(
            frame=found.frame[order],
            box=found.box[order],
            score=found.score[order],
            landmarks=found.landmarks[order],
        )

    def _proposed(self, sums: Tables) -> tuple[Ints, Floats]:
        """Stage 1: (owner (m,), square boxes (m, 4)) of all places P likes."""
        scales = pyramid(sums.shape[1] - 1, sums.shape[2] - 1, self.smallest, self.factor)
        found = [self._slid(sums, scale) for scale in scales]
        if not found:
            return np.empty(0, np.intp), np.empty((0, 4), np.float32)
        owner, rows = (np.concatenate(part) for part in zip(*found, strict=True))
        keep = nms(owner, rows, 0.7)
        owner, rows = owner[keep], rows[keep]
        side = rows[:, 2:4] - rows[:, :2]
        return owner, squared(rows[:, :4] + rows[:, 5:] * np.tile(side, 2))

    def _slid(self, sums: Tables, scale: float) -> tuple[Ints, Floats]:
        """P over one level: owners and rows (x0, y0, x1, y1, score, 4 shifts), thinned per frame."""
        h, w = (int(size * scale + 1) for size in (sums.shape[1] - 1, sums.shape[2] - 1))
        shifts, scores = self.p(level(sums, h, w))
        owner, y, x = np.nonzero(scores >= self.thresholds[0])
        corner = 2 * np.stack([x, y], axis=1).astype(np.float32)
        box = [np.floor((corner + 1) / np.float32(scale)), np.floor((corner + 12) / np.float32(scale))]
        rows = np.concatenate([*box, scores[owner, y, x, None], shifts[owner, :, y, x]], axis=1)
        keep = nms(owner, rows, 0.5)
        return owner[keep], rows[keep]

    def _refined(self, sums: Tables, owner: Ints, boxes: Floats) -> tuple[Ints, Floats]:
        """Stage 2: what R passes, shifted and squared."""
        owner, boxes, (shifts, scores) = _seen(self.r, sums, owner, boxes, 24)
        good = scores > self.thresholds[1]
        owner, shifts = owner[good], shifts[good]
        rows = np.column_stack([boxes[good], scores[good]])
        keep = nms(owner, rows, 0.7)
        return owner[keep], squared(shifted(rows[keep, :4], shifts[keep]))

    def _described(self, sums: Tables, owner: Ints, boxes: Floats) -> Found:
        """Stage 3: what O passes, with landmarks."""
        owner, boxes, (shifts, points, scores) = _seen(self.o, sums, owner, boxes, 48)
        good = scores > self.thresholds[2]
        owner, boxes, scores = owner[good], boxes[good], scores[good]
        side = boxes[:, 2:] - boxes[:, :2] + 1
        marks = points[good].reshape(-1, 2, 5).swapaxes(1, 2) * side[:, None] + boxes[:, None, :2] - 1
        boxes = shifted(boxes, shifts[good])
        keep = nms_within(owner, boxes, scores, 0.7)
        return Found(frame=owner[keep], box=boxes[keep], score=scores[keep], landmarks=marks[keep])


def pyramid(h: int, w: int, smallest: int = 20, factor: float = 0.709) -> list[float]:
    """Scales at which P's 12 px window is a face of `smallest` px, the next size, ... up to the frame."""
    scale, side = 12 / smallest, min(h, w) * 12 / smallest
    scales = []
    while side >= 12:
        scales.append(scale)
        scale, side = scale * factor, side * factor
    return scales


def _seen(
    net: Network, sums: Tables, owner: Ints, boxes: Floats, side: int
) -> tuple[Ints, Floats, list[Floats]]:
    """Owners and boxes that touch their frame, and the network's outputs for their crops."""
    h, w = sums.shape[1] - 1, sums.shape[2] - 1
    x0, y0, x1, y1 = np.trunc(boxes).astype(np.intp).T
    cut = np.stack([np.maximum(x0, 1) - 1, np.maximum(y0, 1) - 1, np.minimum(x1, w), np.minimum(y1, h)], 1)
    real = (cut[:, 0] < cut[:, 2]) & (cut[:, 1] < cut[:, 3])
    owner, boxes, cut = owner[real], boxes[real], cut[real]
    starts = range(0, max(len(cut), 1), CROPS)
    outs = [net(crops(sums, owner[i : i + CROPS], cut[i : i + CROPS], side)) for i in starts]
    return owner, boxes, [np.concatenate(part) for part in zip(*outs, strict=True)]


def weight_files() -> list[Path]:
    """pnet.pt, rnet.pt and onet.pt of facenet-pytorch, found without importing it.

    Raises MissingBackend where it is not installed.
    """
    spec = find_spec("facenet_pytorch")
    if spec is None or not spec.submodule_search_locations:
        raise MissingBackend("finding faces needs facenet-pytorch: pip install 'facenet-pytorch>=2.5.3,<2.6'")
    folder = Path(spec.submodule_search_locations[0]) / "data"
    return [folder / f"{name}net.pt" for name in "pro"]


def mtcnn(smallest: int = 20) -> Cascade:
    """The cascade with facenet-pytorch's weights; `smallest` is the least side of a face in px."""
    key = sha256(*weight_files())[:12]
    sizes: dict[str, tuple[int, int, dict[int, str]]] = {
        "p": (40, 52, {0: "n", 2: "h", 3: "w"}),
        "r": (24, 24, {0: "n"}),
        "o": (48, 48, {0: "n"}),
    }
    p, r, o = (
        network(
            f"mtcnn-{letter}-2-{key}", functools.partial(_stage, letter), [_noise(h, w)], [axes], threads=1
        )
        for letter, (h, w, axes) in sizes.items()
    )
    return Cascade(p=p, r=r, o=o, smallest=smallest)


def _noise(h: int, w: int) -> Floats:
    return np.random.default_rng(0).uniform(-1, 1, (3, 3, h, w)).astype(np.float32)


def _stage(letter: str) -> nn.Module:
    from facenet_pytorch.models import mtcnn as stages

    from encoders.faces.torch_networks import Scored

    return Scored(getattr(stages, f"{letter.upper()}Net")())


def stretches(clip: Frames) -> Iterator[tuple[int, Frames]]:
    """A clip in parts of bounded memory, and the number of the first frame of each."""
    step = max(PIXELS // max(clip[:1, :, :, 0].size, 1), 1)
    for first in range(0, len(clip), step):
        yield first, clip[first : first + step]


def _nothing() -> Found:
    return Found(
        frame=np.empty(0, np.intp),
        box=np.empty((0, 4), np.float32),
        score=np.empty(0, np.float32),
        landmarks=np.empty((0, 5, 2), np.float32),
    )

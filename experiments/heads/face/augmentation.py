"""Augmented views of a face: blurred, relit, rotated, shifted, with landmarks that err."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from encoders.faces import mtcnn
from encoders.faces.alignment import align_face, estimate_similarity

Floats = npt.NDArray[np.float64]
ImageArray = npt.NDArray[np.uint8]

N_VIEWS = 4  # of each training face: as it is, then augmented
LANDMARK_ERROR_SD = 0.02  # as a share of the face's side
MAX_SHIFT = 0.05  # as a share of the face's side
FACE_SIDES_PX = 24, 140  # smallest and largest side of a face after downsampling


def augment_face(image: ImageArray, face: mtcnn.FaceDetections, rng: np.random.Generator) -> ImageArray:
    """(N_VIEWS, 64, 64) one face aligned: as it is, then augmented."""
    views = [align_face(image, estimate_similarity(face.landmarks)[0])]
    side = float((face.boxes[0, 2:] - face.boxes[0, :2]).max())
    for _ in range(N_VIEWS - 1):
        landmarks = face.landmarks + rng.normal(0, LANDMARK_ERROR_SD * side, face.landmarks.shape)
        transform = estimate_similarity(_rotate_and_shift(landmarks, rng, side).astype(np.float32))[0]
        views.append(align_face(_jitter_lighting(_downsample(image, side, rng), rng), transform))
    return np.array(views)


def _rotate_and_shift(
    landmarks: npt.NDArray[np.floating], rng: np.random.Generator, face_side: float
) -> Floats:
    angle, size = np.deg2rad(rng.uniform(-10, 10)), np.exp(rng.uniform(-0.1, 0.1))
    rotation = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = landmarks.mean(axis=1, keepdims=True)
    shift = rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * face_side
    return np.asarray((landmarks - middle) @ rotation.T + middle + shift)


def _downsample(image: ImageArray, face_side: float, rng: np.random.Generator) -> ImageArray:
    """The image as if the face had a side within FACE_SIDES_PX; unchanged where the face is smaller."""
    scale = np.exp(rng.uniform(*np.log(FACE_SIDES_PX))) / face_side
    if scale >= 1:
        return image
    height, width = image.shape[:2]
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _jitter_lighting(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Another contrast, gamma and brightness, and grain."""
    light = image.astype(np.float32)
    mean = light.mean()
    light = np.clip((light - mean) * np.exp(rng.uniform(-0.35, 0.35)) + mean, 0, 255)
    light = 255 * (light / 255) ** np.exp(rng.uniform(-0.4, 0.4)) * rng.uniform(0.8, 1.2)
    grain = rng.normal(0, rng.uniform(0, 4), (*image.shape[:2], 1))
    return np.clip(light + grain, 0, 255).astype(np.uint8)

"""Faces in clips and their expressions: detection, classification, tracks over time."""

from encoders.face_columns import EMOTIONS, FACE_COLUMNS
from encoders.faces.encoder import (
    Face,
    FaceEncoder,
    mtcnn_expression,
    mtcnn_fer,
    summarise_faces,
)
from encoders.faces.tracks import FaceTrack, track_faces

__all__ = [
    "EMOTIONS",
    "FACE_COLUMNS",
    "Face",
    "FaceEncoder",
    "FaceTrack",
    "mtcnn_expression",
    "mtcnn_fer",
    "summarise_faces",
    "track_faces",
]

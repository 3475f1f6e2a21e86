"""Faces in clips and their expressions: detection, classification, tracks over time."""

from encoders.faces.encoder import (
    FACE_COLUMNS,
    Face,
    FaceEncoder,
    mtcnn_expression,
    mtcnn_fer,
    summarise_faces,
)
from encoders.faces.fer_network import EMOTIONS
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

"""Boxes of the faces in a segment, as they are kept with its preview."""

from __future__ import annotations

from collections.abc import Sequence

from encoders.faces import Face
from encoders.media import Segment
from retrieval.previews import FaceBox

MAX_FACES = 16  # of a frame, those that weigh most in the estimate


def make_face_boxes(segment: Segment, faces: Sequence[Face]) -> list[FaceBox]:
    """Boxes of faces by frame, then by falling weight; at most MAX_FACES of a frame."""
    if segment.frames is None:
        return []
    height, width = segment.frames.shape[1:3]
    ordered = sorted(faces, key=lambda face: (face.frame_index, -face.weight))
    kept = [
        face
        for i, face in enumerate(ordered)
        if i < MAX_FACES or ordered[i - MAX_FACES].frame_index != face.frame_index
    ]
    return [
        FaceBox(
            seconds=None if segment.start is None else segment.frame_times[face.frame_index],
            x=face.box[0] / width,
            y=face.box[1] / height,
            width=(face.box[2] - face.box[0]) / width,
            height=(face.box[3] - face.box[1]) / height,
            confidence=face.confidence,
        )
        for face in kept
    ]

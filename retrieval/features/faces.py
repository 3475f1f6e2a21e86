"""Rows of faces together with the single faces that they summarise."""

from __future__ import annotations

from collections.abc import Sequence

from encoders import Encoder, FaceDetector, Frames, Rows
from encoders.faces import Face, summarise_faces
from retrieval.features.missing_rows import encode_present, make_missing_rows


def encode_faces(encoder: Encoder, clips: Sequence[Frames | None]) -> tuple[Rows, list[list[Face]]]:
    """Rows (n, d) of clips, and their faces where the encoder can give them; NaN and none without frames."""
    faces_by_clip: list[list[Face]] = [[] for _ in clips]
    if not isinstance(encoder, FaceDetector):
        return encode_present(encoder, {"frames": clips}), faces_by_clip
    rows = make_missing_rows(len(clips), encoder.card.dim)
    present = [(i, clip) for i, clip in enumerate(clips) if clip is not None]
    for (i, clip), faces in zip(present, encoder.detect_batch([clip for _, clip in present]), strict=True):
        rows[i], faces_by_clip[i] = summarise_faces(faces, len(clip)), faces
    return rows, faces_by_clip

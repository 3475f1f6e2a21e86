"""What is kept to show an item: images, the waveform of its sound, the boxes of its faces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from encoders.media import Probe
from retrieval.previews.segment_preview import SegmentPreview
from retrieval.previews.waveform import Peaks, merge_peaks

FACE_DTYPE = np.dtype("<f4")


class FaceBox(NamedTuple):
    """A face in a frame: its upper left corner and size as shares of the frame's width and height.

    seconds:    of the frame from the start of the film; None for a photo
    confidence: in [0, 1], by which it weighs in the estimate, together with its area
    """

    seconds: float | None
    x: float
    y: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True, kw_only=True)
class ItemPreview:
    """The preview of an item.

    images: (seconds, JPEG) in order of time; None for the seconds of a photo
    peaks:  (n,) of its sound; None without
    duration: in seconds; None for a photo
    """

    images: Sequence[tuple[float | None, bytes]] = ()
    peaks: Peaks | None = None
    duration: float | None = None
    faces: Sequence[FaceBox] = ()


def merge_previews(
    probe: Probe, previews: Sequence[SegmentPreview], faces: Iterable[FaceBox] = ()
) -> ItemPreview:
    """The preview of an item from those of its segments."""
    peaks = [preview.peaks for preview in previews if preview.peaks is not None]
    return ItemPreview(
        images=[(preview.seconds, preview.image) for preview in previews if preview.image is not None],
        peaks=merge_peaks(peaks, probe.duration) if peaks and probe.duration else None,
        duration=probe.duration,
        faces=list(faces),
    )


def pack_faces(faces: Sequence[FaceBox]) -> bytes | None:
    """Boxes as float32 (n, 6), NaN for the seconds of a photo; None without any."""
    if not faces:
        return None
    rows = [(np.nan if face.seconds is None else face.seconds, *face[1:]) for face in faces]
    return np.array(rows, FACE_DTYPE).tobytes()


def unpack_faces(packed: bytes) -> list[FaceBox]:
    """Boxes of `pack_faces`. Raises ValueError for anything else."""
    rows = np.frombuffer(packed, FACE_DTYPE).reshape(-1, len(FaceBox._fields)).tolist()
    return [FaceBox(None if np.isnan(seconds) else seconds, *box) for seconds, *box in rows]

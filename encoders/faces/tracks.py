"""Face tracks: detections in the sampled frames of a clip, linked over time.

Frames are 1 to 2 s apart, too far to follow motion, so a face is matched to the track whose last face is
nearest in position and size, each face once (greedy, nearest pair first; a plain form of the tracking by
detection of Bewley et al. 2016). Identity is not compared: after a cut, another face in the same place
continues the track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from encoders.faces.encoder import MIN_WEIGHT, Face

MAX_CENTRE_DISTANCE = 1.0  # between centres, in mean sides of the two boxes
MAX_SIZE_RATIO = 2.0  # times the other's side
MAX_GAP_SECONDS = 4.0  # between two detections of a track

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceTrack:
    """One face over time.

    faces:       by time
    emotions:    (7,) mean, weighted by confidence times area
    confidence:  mean of the faces'
    start_time, end_time: seconds of its first and its last frame
    """

    faces: tuple[Face, ...]
    emotions: npt.NDArray[np.float32]
    confidence: float
    start_time: float
    end_time: float

    @property
    def frame_count(self) -> int:
        """Number of frames with a detection."""
        return len(self.faces)


def track_faces(faces: Sequence[Face], frame_times: Sequence[float]) -> list[FaceTrack]:
    """Tracks of a clip's faces, by first frame, then by falling size; every face is in one.

    frame_times: (t,) seconds of the clip's frames, ascending, indexed by a face's `frame_index`

    Raises ValueError for a face of a frame that has no time.
    """
    if any(not 0 <= face.frame_index < len(frame_times) for face in faces):
        raise ValueError(f"faces of frames beyond the {len(frame_times)} whose times are known")
    tracks: list[list[Face]] = []
    for frame, frame_faces in groupby(
        sorted(faces, key=lambda face: face.frame_index), lambda face: face.frame_index
    ):
        current = sorted(frame_faces, key=lambda face: -face.weight)
        alive = [
            track
            for track in tracks
            if frame_times[frame] - frame_times[track[-1].frame_index] <= MAX_GAP_SECONDS
        ]
        matched_tracks, matched_faces = _match_faces(alive, current)
        for track, face in zip(matched_tracks, matched_faces, strict=True):
            alive[track].append(current[face])
        tracks += [[face] for i, face in enumerate(current) if i not in matched_faces]
    return [_make_track(frame_faces, frame_times) for frame_faces in tracks]


def _match_faces(tracks: Sequence[Sequence[Face]], faces: Sequence[Face]) -> tuple[list[int], list[int]]:
    """Indices of tracks and of the faces matched to them, the nearest first."""
    if not tracks or not faces:
        return [], []
    cost = _compute_distances([track[-1] for track in tracks], faces)
    matched_tracks, matched_faces = list[int](), list[int]()
    while np.isfinite(least := cost.min()):
        track, face = (int(axis[0]) for axis in np.nonzero(cost == least))
        matched_tracks.append(track)
        matched_faces.append(face)
        cost[track], cost[:, face] = np.inf, np.inf
    return matched_tracks, matched_faces


def _compute_distances(previous_faces: Sequence[Face], faces: Sequence[Face]) -> Floats:
    """(b, h) distance of centres in mean sides plus half the log ratio of sides; inf beyond the maxima."""
    (previous_centres, previous_sides), (centres, sides) = (
        _compute_centres_and_sides(f) for f in (previous_faces, faces)
    )
    distance = (
        np.linalg.norm(previous_centres[:, None] - centres, axis=2) * 2 / (previous_sides[:, None] + sides)
    )
    log_ratio = np.abs(np.log(previous_sides[:, None] / sides))
    is_near = (distance <= MAX_CENTRE_DISTANCE) & (log_ratio <= np.log(MAX_SIZE_RATIO))
    return np.where(is_near, distance + log_ratio / 2, np.inf)


def _compute_centres_and_sides(faces: Sequence[Face]) -> tuple[Floats, Floats]:
    """Centres (n, 2) and sides (n,) of boxes, px."""
    boxes = np.array([face.box for face in faces], np.float64)
    sides = boxes[:, 2:] - boxes[:, :2]
    return (boxes[:, :2] + boxes[:, 2:]) / 2, np.sqrt(np.maximum(sides.prod(axis=1), 1))


def _make_track(faces: Sequence[Face], frame_times: Sequence[float]) -> FaceTrack:
    weights = [max(face.weight, MIN_WEIGHT) for face in faces]
    return FaceTrack(
        faces=tuple(faces),
        emotions=np.average([face.emotions for face in faces], axis=0, weights=weights).astype(np.float32),
        confidence=float(np.mean([face.confidence for face in faces])),
        start_time=float(frame_times[faces[0].frame_index]),
        end_time=float(frame_times[faces[-1].frame_index]),
    )

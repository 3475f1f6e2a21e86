"""Who is seen for how long: faces of the sampled frames of a clip, linked over time.

Frames are 1 to 2 s apart, too far for motion to be followed, so a face is taken for the one of the last
frames that is nearest in place and size, each face once (greedy, nearest pair first; a plain form of the
tracking by detection of Bewley et al. 2016). Nothing is known of who it is: after a cut, another face in the
same place continues the track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from encoders.faces import MIN_WEIGHT, Face

MAX_CENTRE_DISTANCE = 1.0  # between centres, in mean sides of the two boxes
MAX_SIZE_RATIO = 2.0  # times the other's side
MAX_GAP_SECONDS = 4.0  # seconds a face may be out of sight

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceTrack:
    """One face over time.

    faces:       by time
    emotions:    (7,) mean, weighted by confidence times area
    confidence:  mean of the faces'
    start_time, end_time: seconds at which it is seen first and last
    """

    faces: tuple[Face, ...]
    emotions: npt.NDArray[np.float32]
    confidence: float
    start_time: float
    end_time: float

    @property
    def frame_count(self) -> int:
        """In how many frames it is seen."""
        return len(self.faces)


def track_faces(faces: Sequence[Face], frame_times: Sequence[float]) -> list[FaceTrack]:
    """The tracks of a clip's faces, by first sight, then by falling size; every face is in one.

    frame_times: (t,) seconds of the clip's frames, ascending; a face's frame is its number in here

    Raises ValueError for a face of a frame that has no time.
    """
    if any(not 0 <= face.frame_index < len(frame_times) for face in faces):
        raise ValueError(f"faces of frames beyond the {len(frame_times)} whose times are known")
    linked: list[list[Face]] = []
    for frame, some in groupby(
        sorted(faces, key=lambda face: face.frame_index), lambda face: face.frame_index
    ):
        here = sorted(some, key=lambda face: -face.weight)
        alive = [
            track
            for track in linked
            if frame_times[frame] - frame_times[track[-1].frame_index] <= MAX_GAP_SECONDS
        ]
        old, new = _match_faces(alive, here)
        for track, face in zip(old, new, strict=True):
            alive[track].append(here[face])
        linked += [[face] for at, face in enumerate(here) if at not in new]
    return [_make_track(some, frame_times) for some in linked]


def _match_faces(tracks: Sequence[Sequence[Face]], faces: Sequence[Face]) -> tuple[list[int], list[int]]:
    """Numbers of tracks and of faces that belong together, the nearest first."""
    if not tracks or not faces:
        return [], []
    cost = _compute_distances([track[-1] for track in tracks], faces)
    old, new = list[int](), list[int]()
    while np.isfinite(least := cost.min()):
        track, face = (int(at[0]) for at in np.nonzero(cost == least))
        old.append(track)
        new.append(face)
        cost[track], cost[:, face] = np.inf, np.inf
    return old, new


def _compute_distances(previous_faces: Sequence[Face], faces: Sequence[Face]) -> Floats:
    """(b, h) between centres in mean sides, and half the logarithm of the sizes' ratio; inf if too far."""
    (old, large), (new, small) = (_compute_centres_and_sides(some) for some in (previous_faces, faces))
    apart = np.linalg.norm(old[:, None] - new, axis=2) * 2 / (large[:, None] + small)
    growth = np.abs(np.log(large[:, None] / small))
    near = (apart <= MAX_CENTRE_DISTANCE) & (growth <= np.log(MAX_SIZE_RATIO))
    return np.where(near, apart + growth / 2, np.inf)


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

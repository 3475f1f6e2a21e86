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

from encoders.faces import LEAST_WEIGHT, Face

FARTHEST = 1.0  # between centres, in mean sides of the two boxes
LARGEST = 2.0  # times the other's side
LONGEST = 4.0  # seconds a face may be out of sight

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """One face over time.

    faces:       by time
    emotions:    (7,) mean, weighted by confidence times area
    confidence:  mean of the faces'
    first, last: seconds at which it is seen first and last
    """

    faces: tuple[Face, ...]
    emotions: npt.NDArray[np.float32]
    confidence: float
    first: float
    last: float

    @property
    def frames(self) -> int:
        """In how many frames it is seen."""
        return len(self.faces)


def tracks(faces: Sequence[Face], times: Sequence[float]) -> list[Track]:
    """The tracks of a clip's faces, by first sight, then by falling size; every face is in one.

    times: (t,) seconds of the clip's frames, ascending; a face's frame is its number in here

    Raises ValueError for a face of a frame that has no time.
    """
    if any(not 0 <= face.frame < len(times) for face in faces):
        raise ValueError(f"faces of frames beyond the {len(times)} whose times are known")
    linked: list[list[Face]] = []
    for frame, some in groupby(sorted(faces, key=lambda face: face.frame), lambda face: face.frame):
        here = sorted(some, key=lambda face: -face.weight)
        alive = [track for track in linked if times[frame] - times[track[-1].frame] <= LONGEST]
        old, new = _pairs(alive, here)
        for track, face in zip(old, new, strict=True):
            alive[track].append(here[face])
        linked += [[face] for at, face in enumerate(here) if at not in new]
    return [_track(some, times) for some in linked]


def _pairs(alive: Sequence[Sequence[Face]], here: Sequence[Face]) -> tuple[list[int], list[int]]:
    """Numbers of tracks and of faces that belong together, the nearest first."""
    if not alive or not here:
        return [], []
    cost = _distances([track[-1] for track in alive], here)
    old, new = list[int](), list[int]()
    while np.isfinite(least := cost.min()):
        track, face = (int(at[0]) for at in np.nonzero(cost == least))
        old.append(track)
        new.append(face)
        cost[track], cost[:, face] = np.inf, np.inf
    return old, new


def _distances(before: Sequence[Face], here: Sequence[Face]) -> Floats:
    """(b, h) between centres in mean sides, and half the logarithm of the sizes' ratio; inf if too far."""
    (old, large), (new, small) = (_places(some) for some in (before, here))
    apart = np.linalg.norm(old[:, None] - new, axis=2) * 2 / (large[:, None] + small)
    growth = np.abs(np.log(large[:, None] / small))
    near = (apart <= FARTHEST) & (growth <= np.log(LARGEST))
    return np.where(near, apart + growth / 2, np.inf)


def _places(faces: Sequence[Face]) -> tuple[Floats, Floats]:
    """Centres (n, 2) and sides (n,) of boxes, px."""
    boxes = np.array([face.box for face in faces], np.float64)
    sides = boxes[:, 2:] - boxes[:, :2]
    return (boxes[:, :2] + boxes[:, 2:]) / 2, np.sqrt(np.maximum(sides.prod(axis=1), 1))


def _track(faces: Sequence[Face], times: Sequence[float]) -> Track:
    weights = [max(face.weight, LEAST_WEIGHT) for face in faces]
    return Track(
        faces=tuple(faces),
        emotions=np.average([face.emotions for face in faces], axis=0, weights=weights).astype(np.float32),
        confidence=float(np.mean([face.confidence for face in faces])),
        first=float(times[faces[0].frame]),
        last=float(times[faces[-1].frame]),
    )

"""What a query looks for on the valence-arousal plane: a point or a region; a course is in `mood_course`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from retrieval.storage import AnySnapshot
from spaces.circumplex import affinity, bound_disc_probability, compute_disc_probability

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.integer[Any]]


class MoodTarget(Protocol):
    """A mood that segments match more or less."""

    def score(self, snapshot: AnySnapshot, segments: Positions) -> Scores:
        """(n,) match in [0, 1] of segments (n,); NaN where nothing can be told."""

    def bound(self, snapshot: AnySnapshot, segments: Positions) -> Scores:
        """(n,) no less than the match, where that is known, and computed sooner if possible."""


@dataclass(frozen=True, kw_only=True)
class PointTarget:
    """A point (valence, arousal). The match is the affinity, which weighs estimates by their SDs."""

    point: tuple[float, ...]

    def score(self, snapshot: AnySnapshot, segments: Positions) -> Scores:
        """(n,) affinities of segments (n,); NaN without affect."""
        return affinity(snapshot.select_affect(segments), self.point)

    def bound(self, snapshot: AnySnapshot, segments: Positions) -> Scores:
        """(n,) the affinities."""
        return self.score(snapshot, segments)


@dataclass(frozen=True, kw_only=True)
class RegionTarget:
    """A disc of the plane. The match is the probability that a segment lies in it, by its mean and SDs."""

    centre: tuple[float, float]
    radius: float

    def score(self, snapshot: AnySnapshot, segments: Positions) -> Scores:
        """(n,) probabilities of segments (n,); NaN without affect."""
        return compute_disc_probability(snapshot.select_affect(segments), self.centre, self.radius)

    def bound(self, snapshot: AnySnapshot, segments: Positions) -> Scores:
        """(n,) probabilities of the square around the disc."""
        return bound_disc_probability(snapshot.select_affect(segments), self.centre, self.radius)

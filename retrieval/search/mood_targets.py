"""What a query looks for on the valence-arousal plane: a point, a region or a course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from retrieval.storage import Snapshot
from spaces.circumplex import affinity, compute_disc_probability, compute_warped_costs, interpolate_path

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

COURSE_STEPS = 8  # points of the path asked for
MIN_COURSE_SEGMENTS = 2  # with affect; of fewer no course can be told


class MoodTarget(Protocol):
    """A mood that segments match more or less."""

    def score(self, snapshot: Snapshot, segments: Positions) -> Scores:
        """(n,) match in [0, 1] of segments (n,); NaN where nothing can be told."""


@dataclass(frozen=True, kw_only=True)
class PointTarget:
    """A point (valence, arousal). The match is the affinity, which weighs estimates by their SDs."""

    point: tuple[float, ...]

    def score(self, snapshot: Snapshot, segments: Positions) -> Scores:
        """(n,) affinities of segments (n,); NaN without affect."""
        return affinity(snapshot.select_affect(segments), self.point)


@dataclass(frozen=True, kw_only=True)
class RegionTarget:
    """A disc of the plane. The match is the probability that a segment lies in it, by its mean and SDs."""

    centre: tuple[float, float]
    radius: float

    def score(self, snapshot: Snapshot, segments: Positions) -> Scores:
        """(n,) probabilities of segments (n,); NaN without affect."""
        return compute_disc_probability(snapshot.select_affect(segments), self.centre, self.radius)


@dataclass(frozen=True, kw_only=True)
class CourseTarget:
    """A path through points of the plane, from start to end, by dynamic time warping over an item's segments.

    The match of an item, given to each of its segments, is the geometric mean of the affinities along the
    best warping path: exp(-cost), the cost of a pair being the negative logarithm of its affinity.
    """

    waypoints: tuple[tuple[float, float], ...]

    def score(self, snapshot: Snapshot, segments: Positions) -> Scores:
        """(n,) of segments (n,) of items in the snapshot; NaN for items with fewer than two with affect."""
        items = snapshot.item_by_segment[segments]
        whole = np.flatnonzero(np.isin(snapshot.item_by_segment, items))
        owners, counts, affect = select_courses(snapshot, whole)
        by_item = np.full(len(snapshot.item_ids), np.nan)
        by_item[owners] = np.exp(-compute_warped_costs(self.compute_costs(affect), counts))
        return np.asarray(by_item[items])

    def compute_costs(self, affect: Rows) -> Scores:
        """(t, COURSE_STEPS) cost of pairing segments (t, 4) with each point of the path."""
        path = interpolate_path(self.waypoints, COURSE_STEPS)
        return -np.log(np.stack([affinity(affect, point) for point in path], axis=1))


def select_courses(snapshot: Snapshot, segments: Positions) -> tuple[Positions, Positions, Rows]:
    """Of segments of whole items: the items (i,) with at least MIN_COURSE_SEGMENTS of known affect, how many
    (i,) each has, and their affect (sum, 4), item by item and in order of time.
    """
    ordered = segments[np.argsort(snapshot.item_by_segment[segments], kind="stable")]
    affect = snapshot.select_affect(ordered)
    is_known = ~is_missing_row(affect)
    items, counts = np.unique(snapshot.item_by_segment[ordered[is_known]], return_counts=True)
    is_course = counts >= MIN_COURSE_SEGMENTS
    return items[is_course], counts[is_course], affect[is_known][np.repeat(is_course, counts)]

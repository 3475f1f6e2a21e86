"""A course of mood over time: the path asked for, and how items follow it, by dynamic time warping."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from retrieval.search.query import Query
from retrieval.search.query_moods import Mood, get_mood_point, is_worded
from retrieval.storage import AnySnapshot, round_span
from spaces.circumplex import (
    PRIOR_MEAN,
    PRIOR_SD,
    affinity,
    combine_with_prior,
    compute_warped_costs,
    find_warping_path,
    interpolate_path,
)

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.integer[Any]]

STEPS_PER_LEG = 4  # of the path, from one mood to the next; chosen on synthetic films of other seeds
MIN_SEGMENTS = 2  # with affect; of fewer no course can be told
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class CourseTarget:
    """A path (m, 2) on the plane from start to end.

    The match of an item, given to each of its segments, is the geometric mean of the affinities along the
    best warping path: exp(-cost), the cost of a pair being the negative logarithm of its affinity.
    """

    path: Floats

    def score(self, snapshot: AnySnapshot, segments: Positions) -> Floats:
        """(n,) of segments (n,) of items in the snapshot; NaN for items with fewer than two with affect."""
        items = snapshot.item_by_segment[segments]
        whole = np.flatnonzero(np.isin(snapshot.item_by_segment, items))
        owners, counts, affect = select_courses(snapshot, whole)
        if not len(owners):
            return np.full(len(items), np.nan)
        matches = np.exp(-compute_warped_costs(self.compute_costs(affect), counts))
        at = np.minimum(np.searchsorted(owners, items), len(owners) - 1)
        return np.where(owners[at] == items, matches[at], np.nan)

    def bound(self, snapshot: AnySnapshot, segments: Positions) -> Floats:
        """(n,) ones: no course is known to match less before it is warped."""
        return np.ones(len(segments))

    def compute_costs(self, affect: Rows) -> Floats:
        """(t, m) cost of pairing segments (t, 4) with each point of the path."""
        return -np.log(np.stack([affinity(affect, point) for point in self.path], axis=1))


def make_course_target(query: Query, snapshot: AnySnapshot) -> CourseTarget | None:
    """The path of a query through its mood and those that follow; None without any, or while one is unread.

    Numbers are points as they are. Words are relative, see `place_words`: of films that an estimator takes
    to be less excited than they are, none would end as excited as the word.
    """
    moods = [] if query.mood is None or not query.then else [query.mood, *query.then]
    points = [point for point in map(get_mood_point, moods) if point is not None]
    if not points or len(points) < len(moods):
        return None
    affect = select_courses(snapshot, _find_segments(snapshot, query.modalities))[2]
    waypoints = place_words(moods, np.array(points), affect)
    return CourseTarget(path=interpolate_path(waypoints, STEPS_PER_LEG * (len(points) - 1) + 1))


def place_words(moods: Sequence[Mood], points: Floats, affect: Rows) -> Floats:
    """The points (w, 2) of moods, those of words moved from the prior's scale to that of segments (n, 4).

    A word as many SDs from the mean of the prior becomes the point as many SDs from the mean of what is known
    of the segments. Without segments all stay as they are.
    """
    if not len(affect):
        return points
    known = combine_with_prior(affect)[:, :2]
    placed = known.mean(axis=0) + known.std(axis=0) * (points - PRIOR_MEAN) / PRIOR_SD
    return np.where(np.array(list(map(is_worded, moods)))[:, None], placed, points)


def warn_of_items_without_course(snapshot: AnySnapshot, modalities: Sequence[str]) -> None:
    """Log how many items of these modalities have no course, if any."""
    count = snapshot.count_items(modalities)
    missing = count - len(select_courses(snapshot, _find_segments(snapshot, modalities))[0])
    if missing:
        log.warning(
            "%d of %d items have no course of mood (photos, and what has fewer than two segments with known "
            "affect); they get no score for it", missing, count,
        )  # fmt: skip


def _find_segments(snapshot: AnySnapshot, modalities: Sequence[str]) -> Positions:
    return snapshot.list_segments_of(modalities)


def select_courses(snapshot: AnySnapshot, segments: Positions) -> tuple[Positions, Positions, Rows]:
    """Of segments of whole items, ascending: the items (i,) with at least MIN_SEGMENTS of known affect, how
    many (i,) each has, and their affect (sum, 4), item by item and in order of time.
    """
    affect = snapshot.select_affect(segments)
    is_known = ~is_missing_row(affect)
    items, counts = np.unique(snapshot.item_by_segment[segments[is_known]], return_counts=True)
    is_course = counts >= MIN_SEGMENTS
    return items[is_course], counts[is_course], affect[is_known][np.repeat(is_course, counts)]


def explain_course(snapshot: AnySnapshot, item_id: str, target: CourseTarget) -> list[dict[str, Any]]:
    """Of each segment with affect: its span in seconds, valence and arousal, and the point asked for there.

    That point is the mean of those that the warping path pairs with the segment. Empty for an item without a
    course.
    """
    item = snapshot.find_item(item_id)
    if item is None:
        return []
    segments = snapshot.list_segments(item)
    affect = snapshot.select_affect(segments)
    is_known = ~is_missing_row(affect)
    if is_known.sum() < MIN_SEGMENTS:
        return []
    pairs = find_warping_path(target.compute_costs(affect[is_known]))
    steps = []
    for number, (span, row) in enumerate(
        zip(snapshot.select_spans(segments)[is_known], affect[is_known], strict=True)
    ):
        start, end = round_span(span)
        valence, arousal = (round(float(value), 4) for value in row[:2])
        wanted = target.path[pairs[pairs[:, 0] == number, 1]].mean(axis=0)
        steps.append({
            "start": start, "end": end, "valence": valence, "arousal": arousal,
            "asked": np.round(wanted, 4).tolist(),
        })  # fmt: skip
    return steps

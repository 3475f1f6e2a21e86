"""Which segments to score by mood: of each modality the best k items, exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.search.candidates import sort_distinct
from retrieval.search.kinds import SegmentsNearPoint, make_point_search
from retrieval.search.mood_targets import MoodTarget, PointTarget
from retrieval.storage import MODALITIES, AnySnapshot, Snapshot
from retrieval.vector_index import AffectIndex
from spaces.circumplex import combine_with_prior

Positions = npt.NDArray[np.int64]
ColumnPositions = npt.NDArray[np.integer[Any]]
Scores = npt.NDArray[np.float64]

MIN_BOUNDED_SEGMENTS = 2000  # fewer are scored at once


class AffectSearch:
    """Finds the segments to score by mood in one snapshot of a library.

    The nearest to a point are found by an index; regions and courses are compared with every segment.
    """

    def __init__(self, snapshot: AnySnapshot) -> None:
        self._snapshot = snapshot
        self._point_search = make_point_search(snapshot)

    def find(
        self,
        target: MoodTarget,
        modalities: Sequence[str],
        k: int,
        allowed_segments: Positions | None = None,
    ) -> Positions:
        """Segment positions, ascending: of each modality all segments as good a match as the k-th best item.

        `allowed_segments`, if given, are the positions of those that may be found.
        """
        found = [np.empty(0, np.int64)]
        for modality in modalities:
            if allowed_segments is not None:
                segments = self._select_modality(allowed_segments, modality)
            elif isinstance(target, PointTarget):
                segments = self._point_search.find_nearest(target, modality, k)
            else:
                segments = self._snapshot.list_segments_of([modality])
            found.append(select_best_items(target, self._snapshot, segments, k))
        return sort_distinct(np.concatenate(found))

    def _select_modality(self, segments: Positions, modality: str) -> Positions:
        codes = self._snapshot.columns.modality_codes[self._snapshot.item_by_segment[segments]]
        return segments[codes == MODALITIES.index(modality)]


@make_point_search.register
def _(snapshot: Snapshot) -> SegmentsNearPoint:
    return IndexedPointSearch(snapshot)


class IndexedPointSearch:
    """Finds the segments near a point by an index of each modality, built when it is first needed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._indices: dict[str, tuple[Positions, AffectIndex]] = {}

    def find_nearest(self, target: PointTarget, modality: str, k: int) -> Positions:
        """The segments nearest to a point, and all that tie with them: of k items, or of all."""
        members, index = self._get_index(modality)
        count = k
        while True:
            segments = members[index.find_nearest(target.point, count)]
            items = self._snapshot.item_by_segment[segments]
            if count >= index.point_count or len(sort_distinct(items)) >= k:
                return segments
            count *= 4

    def _get_index(self, modality: str) -> tuple[Positions, AffectIndex]:
        """The segments of a modality, and the index of their estimates."""
        if modality not in self._indices:
            members = self._snapshot.list_segments_of([modality])
            index = AffectIndex(combine_with_prior(self._snapshot.affect[members]))
            self._indices[modality] = members, index
        return self._indices[modality]


def select_best_items(target: MoodTarget, snapshot: AnySnapshot, segments: Positions, k: int) -> Positions:
    """Those of `segments` that match as well as the best one of the k-th best item; all, of fewer items."""
    if len(segments) > MIN_BOUNDED_SEGMENTS:
        segments = _drop_worse(target, snapshot, segments, k)
    scores = target.score(snapshot, segments)
    is_worse = scores < _find_kth_best(scores, snapshot.item_by_segment[segments], k)
    return segments[~np.isnan(scores) & ~is_worse]


def _drop_worse(target: MoodTarget, snapshot: AnySnapshot, segments: Positions, k: int) -> Positions:
    """Without those whose bounds tell that k items match better, in the same order."""
    bounds = np.nan_to_num(target.bound(snapshot, segments), nan=-1)
    count = min(MIN_BOUNDED_SEGMENTS + k, len(segments))
    promising = segments[np.sort(np.argpartition(-bounds, count - 1)[:count])]
    scores = target.score(snapshot, promising)
    return segments[~(bounds < _find_kth_best(scores, snapshot.item_by_segment[promising], k))]


def _find_kth_best(scores: Scores, items: ColumnPositions, k: int) -> float:
    """The score of the k-th best item; NaN, to which nothing compares as less, where there are fewer.

    scores, items: (n,) of each segment, NaN where it is unknown
    """
    known = np.flatnonzero(~np.isnan(scores))
    order = known[np.argsort(-scores[known], kind="stable")]
    first_of_item = np.sort(np.unique(items[order], return_index=True)[1])
    return float(scores[order[first_of_item[k - 1]]]) if len(first_of_item) >= k else math.nan

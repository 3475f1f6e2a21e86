"""Which segments to score by mood: of each modality the best k items, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrieval.search.candidates import sort_distinct
from retrieval.search.kinds import SegmentsByMood, make_affect_search
from retrieval.search.mood_targets import MoodTarget, PointTarget
from retrieval.storage import AnySnapshot, Snapshot
from retrieval.vector_index import AffectIndex
from spaces.circumplex import combine_with_prior

Positions = npt.NDArray[np.int64]


@make_affect_search.register
def _(snapshot: Snapshot) -> SegmentsByMood:
    return AffectSearch(snapshot)


class AffectSearch:
    """Finds the segments to score by mood in one snapshot of a library.

    The nearest to a point are found by an index of the plane, which is built when it is first needed; regions
    and courses are compared with every segment.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._indices: dict[str, tuple[Positions, AffectIndex]] = {}

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
                is_member = self._snapshot.mask_modality(modality)[allowed_segments]
                segments = allowed_segments[is_member]
            elif isinstance(target, PointTarget):
                segments = self._find_near_point(target, modality, k)
            else:
                segments = np.flatnonzero(self._snapshot.mask_modality(modality))
            found.append(select_best_items(target, self._snapshot, segments, k))
        return sort_distinct(np.concatenate(found))

    def _find_near_point(self, target: PointTarget, modality: str, k: int) -> Positions:
        """The segments nearest to a point, and all that tie with them: of k items, or of all."""
        if modality not in self._indices:
            members = np.flatnonzero(self._snapshot.mask_modality(modality))
            index = AffectIndex(combine_with_prior(self._snapshot.affect[members]))
            self._indices[modality] = members, index
        members, index = self._indices[modality]
        count = k
        while True:
            segments = members[index.find_nearest(target.point, count)]
            items = self._snapshot.item_by_segment[segments]
            if count >= index.point_count or len(sort_distinct(items)) >= k:
                return segments
            count *= 4


def select_best_items(target: MoodTarget, snapshot: AnySnapshot, segments: Positions, k: int) -> Positions:
    """Those of `segments` that match as well as the best one of the k-th best item."""
    scores = target.score(snapshot, segments)
    segments, scores = segments[~np.isnan(scores)], scores[~np.isnan(scores)]
    order = np.argsort(-scores, kind="stable")
    items = snapshot.item_by_segment[segments[order]]
    first_of_item = np.sort(np.unique(items, return_index=True)[1])[:k]
    if not len(first_of_item):
        return np.empty(0, np.int64)
    return np.asarray(segments[scores >= scores[order[first_of_item[-1]]]])

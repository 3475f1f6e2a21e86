"""How a library in Milvus is searched: Milvus finds candidates, whose float rows are then scored exactly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from encoders import Rows
from retrieval.cluster.library import MilvusLibrary
from retrieval.cluster.schema import MAX_HITS
from retrieval.cluster.snapshot import MilvusSnapshot
from retrieval.search import (
    NearestSegments,
    PointTarget,
    SegmentsNearPoint,
    make_point_search,
    make_view_searches,
    open_snapshot,
    select_best_items,
)
from retrieval.storage import AnySnapshot
from spaces.circumplex import PRIOR_SD, combine_with_prior

Positions = npt.NDArray[np.int64]
DEEPENING_FACTOR = 4


@open_snapshot.register
def _(library: MilvusLibrary) -> AnySnapshot:
    return MilvusSnapshot(library)


@make_view_searches.register
def _(snapshot: MilvusSnapshot, library: MilvusLibrary) -> Callable[[str, str], NearestSegments]:
    return partial(MilvusViewSearch, snapshot, library)


class MilvusViewSearch:
    """Searches the partition of a modality in the collection of a view."""

    def __init__(self, snapshot: MilvusSnapshot, library: MilvusLibrary, view: str, modality: str) -> None:
        self._snapshot, self._store, self._modality = snapshot, library.store, modality
        self._collection = library.catalog.list_row_collections()[view]
        self._index_kind, self._vectors = snapshot.index_kinds[view], snapshot.views[view]

    def find_nearest(self, queries: Rows, k: int, allowed_segments: Positions | None = None) -> Positions:
        """Segment positions of the k nearest rows to each of (q, d); among allowed segments exactly."""
        if allowed_segments is not None:
            return self._find_allowed(queries, k, allowed_segments)
        found = self._store.search(self._collection, queries, k, self._modality, self._index_kind)
        return self._snapshot.meet(key for keys in found for key in keys)

    def _find_allowed(self, queries: Rows, k: int, allowed_segments: Positions) -> Positions:
        modalities = self._snapshot.get_modalities(self._snapshot.item_by_segment[allowed_segments])
        segments = allowed_segments[modalities == self._modality]
        cosines = self._vectors.compute_cosines(segments, queries)
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]  # NaN come last
        has_row = ~np.isnan(np.take_along_axis(cosines, order, axis=1))
        return np.asarray(segments[order[has_row]], np.int64)


@make_point_search.register
def _(snapshot: MilvusSnapshot) -> SegmentsNearPoint:
    return MilvusPointSearch(snapshot)


class MilvusPointSearch:
    """Finds the segments near a point by Milvus."""

    def __init__(self, snapshot: MilvusSnapshot) -> None:
        self._snapshot = snapshot

    def find_nearest(self, target: PointTarget, modality: str, k: int) -> Positions:
        """Segments that match a point as well as the k-th best item of a modality.

        Milvus knows the distance of posterior means. No segment farther than those fetched can match better
        than exp(-distance^2 / (1 + 2 sd^2)) with the prior's SD, see `affinity`: once the k-th best item
        matches as well, these are the best. Else more are fetched, up to MAX_HITS.
        """
        point, wanted = np.array(target.point), DEEPENING_FACTOR * k
        while True:
            keys = self._snapshot.search_affect(point, modality, wanted)
            segments = self._snapshot.meet(keys)
            best = select_best_items(target, self._snapshot, segments, k)
            if len(keys) < min(wanted, MAX_HITS) or wanted >= MAX_HITS:
                return best
            means = combine_with_prior(self._snapshot.select_affect(segments))[:, :2]
            farthest = np.nanmax(((means - point) ** 2).sum(axis=1), initial=0)
            bound = np.exp(-farthest / (1 + 2 * max(PRIOR_SD) ** 2))
            items = np.unique(self._snapshot.item_by_segment[best])
            if len(items) >= k and np.nanmin(target.score(self._snapshot, best)) >= bound:
                return best
            wanted *= DEEPENING_FACTOR

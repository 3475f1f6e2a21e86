"""How a library in Milvus is searched: Milvus finds candidates, whose float rows are then scored exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders import Rows
from retrieval.cluster.library import MilvusLibrary
from retrieval.cluster.schema import MAX_HITS
from retrieval.cluster.snapshot import MilvusSnapshot
from retrieval.search import (
    AffectPoint,
    NearestSegments,
    find_nearest_by_affect,
    make_view_search,
    open_snapshot,
    select_nearest_items,
)
from retrieval.storage import AnySnapshot
from spaces.circumplex import affinity, compute_prior_affinity

Positions = npt.NDArray[np.int64]
DEEPENING_FACTOR = 4


@open_snapshot.register
def _(library: MilvusLibrary) -> AnySnapshot:
    return MilvusSnapshot(library)


@make_view_search.register
def _(snapshot: MilvusSnapshot, library: MilvusLibrary, view: str, modality: str) -> NearestSegments:
    return MilvusViewSearch(snapshot, library, view, modality)


class MilvusViewSearch:
    """Searches the partition of a modality in the collection of a view."""

    def __init__(self, snapshot: MilvusSnapshot, library: MilvusLibrary, view: str, modality: str) -> None:
        self._snapshot, self._store, self._modality = snapshot, library.store, modality
        self._collection = library.catalog.list_row_collections()[view]
        self._index_kind = snapshot.index_kinds[view]

    def find_nearest(
        self, queries: Rows, k: int, segment_mask: npt.NDArray[np.bool_] | None = None
    ) -> Positions:
        """Segment positions of the k nearest rows to each of (q, d); a mask raises NotImplementedError."""
        if segment_mask is not None:
            raise NotImplementedError("positions in a cluster are known once a query has met them")
        found = self._store.search(self._collection, queries, k, self._modality, self._index_kind)
        return self._snapshot.meet(key for keys in found for key in keys)


@find_nearest_by_affect.register
def _(snapshot: MilvusSnapshot, target: AffectPoint, modalities: Sequence[str], k: int) -> Positions:
    nearest = [_find_nearest_by_affect(snapshot, target, modality, k) for modality in modalities]
    return np.unique(np.concatenate([np.empty(0, np.int64), *nearest]))


def _find_nearest_by_affect(
    snapshot: MilvusSnapshot, target: AffectPoint, modality: str, k: int
) -> Positions:
    """Segments of a modality as near as the k-th nearest item.

    Milvus knows the distance on the plane alone. Reliability moves an affinity only between exp(-distance)
    and that of a point of which nothing is known, so no segment beyond those fetched can come closer than the
    larger of the two: once the k-th item does, these are the nearest. Else more are fetched, up to MAX_HITS.
    """
    wanted = DEEPENING_FACTOR * k
    while True:
        keys = snapshot.search_affect(target, modality, wanted)
        segments = snapshot.meet(keys)
        affect = snapshot.select_affect(segments)
        closeness = affinity(affect, target)
        is_known = ~np.isnan(closeness)
        chosen = select_nearest_items(segments[is_known], closeness[is_known], snapshot.item_by_segment, k)
        if len(keys) < min(wanted, MAX_HITS) or wanted >= MAX_HITS:
            return chosen
        bound = max(
            float(affinity(affect[is_known, :2], target).min(initial=1)), compute_prior_affinity(target)
        )
        items = np.unique(snapshot.item_by_segment[chosen])
        if len(items) >= k and closeness[np.isin(segments, chosen)].min() >= bound:
            return chosen
        wanted *= DEEPENING_FACTOR

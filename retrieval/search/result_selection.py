"""From scored segments to results: each item by its best segment, copies of the query's file first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from retrieval.search.hits import Hit, make_hit
from retrieval.search.segment_scores import SegmentScores
from retrieval.storage import AnySnapshot, make_id_keys

Positions = npt.NDArray[np.int64]


def select_best_segments(
    segment_scores: SegmentScores, snapshot: AnySnapshot, excluded_items: Sequence[int]
) -> Positions:
    """Indices into `segment_scores` of each item's best segment, best first, without excluded items."""
    items = snapshot.item_by_segment[segment_scores.segments]
    keys = (
        segment_scores.segments,
        -segment_scores.moment_score,
        *make_id_keys(snapshot.columns.ids[items]),
        -segment_scores.mean_cosine,
        -segment_scores.total,
    )
    order = np.lexsort(keys)
    order = order[~np.isnan(segment_scores.total[order]) & ~np.isin(items[order], excluded_items)]
    first = np.unique(items[order], return_index=True)[1]
    return np.asarray(order[np.sort(first)])


def make_hits(snapshot: AnySnapshot, segment_scores: SegmentScores, indices: Sequence[int]) -> list[Hit]:
    """The results at `indices` into `segment_scores`, without items that were removed meanwhile."""
    items = snapshot.item_by_segment[segment_scores.segments[np.array(indices, np.int64)]]
    paths = snapshot.load_paths(items)
    present = [
        (index, paths[item]) for index, item in zip(indices, items.tolist(), strict=True) if item in paths
    ]
    return [
        make_hit(rank, snapshot, segment_scores, index, path) for rank, (index, path) in enumerate(present, 1)
    ]


def list_copies(segment_scores: SegmentScores, best: Positions) -> list[int]:
    """Those of `best` that are copies of the query's file: the same content first, then other encodings."""
    copies = best[segment_scores.copy_level[best] > 0]
    return [
        int(at)
        for at in copies[
            np.lexsort((-segment_scores.mean_cosine[copies], -segment_scores.copy_level[copies]))
        ]
    ]

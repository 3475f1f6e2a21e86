"""From scored segments to the items that are shown: a list a modality, diversified and merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import is_missing_row, unit_rows
from fusion import (
    average_views,
    balanced_merge,
    choose_balance_factor,
    select_diverse,
)
from retrieval.search.query import Query
from retrieval.search.segment_scores import SegmentScores
from retrieval.storage import AnySnapshot

Positions = npt.NDArray[np.integer[Any]]
Scores = npt.NDArray[np.float64]

MIN_DISTANCE = 0.1
"""Least distance of a result from the query where lists are merged: what scores .9 or more is right .93 to
.95 of the time in each modality (`python -m experiments.bench reliability`)."""
MIN_DISTANCE_FOR_SHARES = 1e-3
"""The same where c is sought for wanted shares: ties would take turns for any c above 1, and at 1 be shown in
order of the modalities."""
DIVERSITY_POOL = 5  # results that diversity chooses from, as a multiple of those it chooses ...
MAX_DIVERSIFIED = 200  # ... and the most that it chooses; the rest follows by score


@dataclass(frozen=True, kw_only=True)
class MergedList:
    """The indices to show, best first, and the c of the balanced merge; 1 where all is by score alone."""

    indices: list[int]
    factor: float


def merge_modalities(
    query: Query, segment_scores: SegmentScores, best: Positions, snapshot: AnySnapshot
) -> MergedList:
    """The k indices into `segment_scores` to show: a list a modality, merged by the balanced heuristic.

    Multiplying hardly demotes a distance near 0, so that sounds sure of themselves would all be shown before
    a photo that is right as well. Sure results of all modalities are a tie, see MIN_DISTANCE, and take turns
    in the order of the query's modalities.
    """
    modalities = snapshot.get_modalities(snapshot.item_by_segment[segment_scores.segments])
    count = min(query.k, len(best))
    if query.balance == 1:
        shown = diversify(query, segment_scores, best, snapshot)[:count]
        factor = 1.0
    else:
        lists = [
            diversify(query, segment_scores, best[modalities[best] == modality], snapshot)
            for modality in query.modalities
        ]
        # a diverse list need not descend by score; nothing is taken before those ahead of it
        least = MIN_DISTANCE_FOR_SHARES if isinstance(query.balance, Mapping) else MIN_DISTANCE
        distances = [
            np.maximum.accumulate(np.maximum(1 - segment_scores.total[indices], least)) for indices in lists
        ]
        factor = _choose_factor(query, distances, count)
        list_numbers, places = balanced_merge(distances, count, factor)
        shown = np.array(
            [lists[number][place] for number, place in zip(list_numbers, places, strict=True)], np.int64
        )
    return MergedList(indices=[int(at) for at in shown], factor=factor)


def _choose_factor(query: Query, distances: Sequence[Scores], count: int) -> float:
    if isinstance(query.balance, Mapping):
        least_shares = [query.balance.get(modality, 0.0) for modality in query.modalities]
        return choose_balance_factor(distances, count, least_shares)
    return query.balance


def diversify(
    query: Query, segment_scores: SegmentScores, best: Positions, snapshot: AnySnapshot
) -> Positions:
    """`best`, its first k by maximal marginal relevance if the query asks for it; the rest as it was."""
    if query.diversify is None or not len(best):
        return best
    count = min(query.k, MAX_DIVERSIFIED, len(best))
    pool = best[: DIVERSITY_POOL * count]
    chosen = select_diverse(
        segment_scores.total[pool],
        make_similarity(snapshot, segment_scores.segments[pool]),
        count,
        query.diversify,
    )
    return np.concatenate([pool[chosen], np.delete(best, chosen)])


def make_similarity(snapshot: AnySnapshot, segments: Positions) -> Callable[[int], Scores]:
    """The mean cosine (n,) of one of `segments` (n,), by index, with each over the views in which both have
    rows; NaN without any.
    """
    rows_by_view = [unit_rows(vectors.select_rows(segments)) for vectors in snapshot.views.values()]
    present = [(rows, is_missing_row(rows)) for rows in rows_by_view]

    def compute_similarities(index: int) -> Scores:
        cosines = [np.vecdot(rows, rows[index]) for rows, is_missing in present if not is_missing[index]]
        return average_views(cosines) if cosines else np.full(len(segments), np.nan)

    return compute_similarities

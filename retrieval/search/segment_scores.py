"""Scored segments: what holds the content asked with, and an item's score over the segments of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from encoders import Rows
from fusion import average_views

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
CopyLevels = npt.NDArray[np.int64]

NEAR_COPY_COSINE = 0.98  # a cosine that another encoding of a segment reaches in every view
NEAR_COPY, COPY = 1, 2


@dataclass(frozen=True, kw_only=True)
class SegmentScores:
    """Segments (n,) by position, their total (n,), and their score a space and view (n,), NaN: abstained.

    `mean_cosine` (n,) is the mean cosine: far above the background all scores are 1, and it decides.
    `affect_match` (n,) is how well each meets the mood asked for, NaN where it has none or nobody asked.
    `copy_level` (n,) is COPY where the item holds the very content asked with, NEAR_COPY where its rows are
    those of another encoding of it, else 0. `moment_score` (n,) orders the segments of one item where its
    score is the same for all of them.
    """

    segments: Positions
    total: Scores
    mean_cosine: Scores
    space_scores: Mapping[str, Scores]
    view_scores: Mapping[str, Scores]
    affect_match: Scores
    copy_level: CopyLevels
    moment_score: Scores


def mark_near_copies(cosines_by_view: Mapping[str, Rows], segment_count: int) -> CopyLevels:
    """(n,) NEAR_COPY for segments that are as near as another encoding in every view asked in, else 0."""
    if not cosines_by_view:
        return np.zeros(segment_count, np.int64)
    return NEAR_COPY * np.all([one >= NEAR_COPY_COSINE for one in cosines_by_view.values()], axis=0).astype(
        np.int64
    )


def aggregate_by_item(scores_by_query_segment: Sequence[SegmentScores], items: Positions) -> SegmentScores:
    """Every item's mean over the questions of its best segment's scores, given to each of its segments.

    items: (n,) the item of each segment, ascending
    """
    _, firsts, which = np.unique(items, return_index=True, return_inverse=True)
    best = [_find_best_per_item(one, items, firsts) for one in scores_by_query_segment]

    def average_best(rows: Sequence[Scores]) -> Scores:
        return average_views([row[at] for row, at in zip(rows, best, strict=True)])[which]

    silent = np.full(len(items), np.nan)
    names = sorted(set().union(*(one.view_scores for one in scores_by_query_segment)))
    same = np.min([one.copy_level[at] for one, at in zip(scores_by_query_segment, best, strict=True)], axis=0)
    return replace(
        scores_by_query_segment[0],
        total=average_best([one.total for one in scores_by_query_segment]),
        mean_cosine=average_best([one.mean_cosine for one in scores_by_query_segment]),
        space_scores={
            space: average_best([one.space_scores[space] for one in scores_by_query_segment])
            for space in scores_by_query_segment[0].space_scores
        },
        view_scores={
            name: average_best([one.view_scores.get(name, silent) for one in scores_by_query_segment])
            for name in names
        },
        copy_level=same[which],
        moment_score=np.max(
            [np.nan_to_num(one.total, nan=-1).round(3) for one in scores_by_query_segment], axis=0
        ),
    )


def _find_best_per_item(segment_scores: SegmentScores, items: Positions, firsts: Positions) -> Positions:
    """(groups,) where each item's best segment stands: by total, then nearness, then time."""
    order = np.lexsort(
        (np.arange(len(items)), -segment_scores.mean_cosine, -segment_scores.total, items)
    )  # NaN sort to the end
    return np.asarray(order[firsts])


def set_copy_scores(segment_scores: SegmentScores, items: Positions, item_index: int | None) -> SegmentScores:
    """The same with a score of 1 in every space that speaks for the item that was asked with as a file."""
    here = (
        (items == item_index) & ~np.isnan(segment_scores.total)
        if item_index is not None
        else np.zeros(len(items), np.bool_)
    )
    if not here.any():
        return segment_scores

    def set_to_one(scores: Scores) -> Scores:
        return np.where(here & ~np.isnan(scores), 1.0, scores)

    return replace(
        segment_scores,
        total=set_to_one(segment_scores.total),
        mean_cosine=set_to_one(segment_scores.mean_cosine),
        space_scores={space: set_to_one(one) for space, one in segment_scores.space_scores.items()},
        view_scores={view: set_to_one(one) for view, one in segment_scores.view_scores.items()},
        copy_level=np.where(here, COPY, segment_scores.copy_level),
    )

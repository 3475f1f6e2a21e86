"""Scores of segments, copies of the query's file among them, and scores of items over query segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from encoders import Rows
from fusion import average_views
from retrieval.features import SPACES

Scores = npt.NDArray[np.float64]
Positions = npt.NDArray[np.integer[Any]]
CopyLevels = npt.NDArray[np.int64]

NEAR_COPY_COSINE = 0.98  # a cosine that another encoding of a segment reaches in every view
NEAR_COPY, COPY = 1, 2
COPY_TERM = "same file"  # in place of all other terms of its score


@dataclass(frozen=True, kw_only=True)
class SegmentScores:
    """Scores of n segments.

    segments:     (n,) positions in the snapshot
    total:        (n,) the score by which they are ranked, NaN where all spaces abstain
    mean_cosine:  (n,) mean cosine over views; breaks ties of scores far above the background, which are all 1
    space_scores, view_scores: (n,) by space and by "space.view", NaN where it abstains
    affect_match: (n,) affinity to the target mood, NaN without affect or without a mood
    affect_gain:  (n,) what of `total` the mood of the query's words gave or took; NaN without affect or such
                  a mood
    copy_level:   (n,) COPY where the item has the content of the query's file, NEAR_COPY where its rows are
                  those of another encoding of it, else 0
    moment_score: (n,) breaks ties between segments of one item: the maximum of the score over query segments
    positive_total:  (n,) `total` before the negatives of the query; None without any
    negative_scores: (n,) by negative, NaN where it abstains
    terms:        (n,) by name, NaN where there is none: what `total` is the sum of before the mood of words
                  and the negatives
    log_odds:     (n,) by name, where their sum is the log-odds of the content; see `FusedScores`
    space_weights: of the spaces in which the query does not abstain
    """

    segments: Positions
    total: Scores
    mean_cosine: Scores
    space_scores: Mapping[str, Scores]
    view_scores: Mapping[str, Scores]
    affect_match: Scores
    affect_gain: Scores
    copy_level: CopyLevels
    moment_score: Scores
    positive_total: Scores | None = None
    negative_scores: Mapping[str, Scores] = field(default_factory=dict)
    terms: Mapping[str, Scores] = field(default_factory=dict)
    log_odds: Mapping[str, Scores] = field(default_factory=dict)
    space_weights: Mapping[str, float] = field(default_factory=dict)


def make_scores_without_content(
    segments: Positions, total: Scores, mean_cosine: Scores, term: str, affect_match: Scores | None = None
) -> SegmentScores:
    """Scores (n,) of segments of which no space says anything; of a mood, or of what is not wanted.

    term: the name of the total in an explanation
    """
    abstained = np.full(len(segments), np.nan)
    return SegmentScores(
        segments=segments,
        total=total,
        mean_cosine=mean_cosine,
        space_scores=dict.fromkeys(SPACES, abstained),
        view_scores={},
        affect_match=abstained if affect_match is None else affect_match,
        affect_gain=abstained,
        copy_level=np.zeros(len(segments), np.int64),
        moment_score=np.zeros(len(segments)),
        terms={term: total},
    )


def mark_near_copies(cosines_by_view: Mapping[str, Rows], segment_count: int) -> CopyLevels:
    """(n,) NEAR_COPY for segments whose cosine in every view is that of another encoding, else 0."""
    if not cosines_by_view:
        return np.zeros(segment_count, np.int64)
    is_near = np.all([row >= NEAR_COPY_COSINE for row in cosines_by_view.values()], axis=0)
    return NEAR_COPY * is_near.astype(np.int64)


def aggregate_by_item(scores_by_query_segment: Sequence[SegmentScores], items: Positions) -> SegmentScores:
    """Every item's mean over query segments of its best segment's scores, given to each of its segments.

    items: (n,) the item of each segment, ascending
    """
    _, firsts, which = np.unique(items, return_index=True, return_inverse=True)
    best = [_find_best_per_item(one, items, firsts) for one in scores_by_query_segment]

    def average_best(rows: Sequence[Scores]) -> Scores:
        return average_views([row[at] for row, at in zip(rows, best, strict=True)])[which]

    abstained = np.full(len(items), np.nan)
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
            name: average_best([one.view_scores.get(name, abstained) for one in scores_by_query_segment])
            for name in names
        },
        copy_level=same[which],
        moment_score=np.max(
            [np.nan_to_num(one.total, nan=-1).round(3) for one in scores_by_query_segment], axis=0
        ),
        terms=_average_terms(scores_by_query_segment, average_best),
    )


def _average_terms(
    scores_by_query_segment: Sequence[SegmentScores], average_best: Callable[[Sequence[Scores]], Scores]
) -> dict[str, Scores]:
    """The terms of averaged totals: one that is missing in some query segments only adds 0 there."""
    totals = [one.total for one in scores_by_query_segment]
    abstained = np.full(len(totals[0]), np.nan)
    averages = {}
    for name in sorted(set().union(*(one.terms for one in scores_by_query_segment))):
        rows = [one.terms.get(name, abstained) for one in scores_by_query_segment]
        filled = [
            np.where(np.isnan(total), np.nan, np.nan_to_num(row))
            for total, row in zip(totals, rows, strict=True)
        ]
        averages[name] = np.where(np.isnan(average_best(rows)), np.nan, average_best(filled))
    return averages


def _find_best_per_item(segment_scores: SegmentScores, items: Positions, firsts: Positions) -> Positions:
    """(items,) index of each item's best segment: by total, then mean cosine, then time."""
    order = np.lexsort(
        (np.arange(len(items)), -segment_scores.mean_cosine, -segment_scores.total, items)
    )  # NaN sort to the end
    return np.asarray(order[firsts])


def set_copy_scores(segment_scores: SegmentScores, items: Positions, item_index: int | None) -> SegmentScores:
    """The same with scores of 1 (NaN stays NaN) for the item with the content of the query's file."""
    is_copy = (
        (items == item_index) & ~np.isnan(segment_scores.total)
        if item_index is not None
        else np.zeros(len(items), np.bool_)
    )
    if not is_copy.any():
        return segment_scores

    def set_to_one(scores: Scores) -> Scores:
        return np.where(is_copy & ~np.isnan(scores), 1.0, scores)

    return replace(
        segment_scores,
        total=set_to_one(segment_scores.total),
        mean_cosine=set_to_one(segment_scores.mean_cosine),
        space_scores={space: set_to_one(one) for space, one in segment_scores.space_scores.items()},
        view_scores={view: set_to_one(one) for view, one in segment_scores.view_scores.items()},
        copy_level=np.where(is_copy, COPY, segment_scores.copy_level),
        terms={
            **{name: np.where(is_copy, np.nan, row) for name, row in segment_scores.terms.items()},
            COPY_TERM: np.where(is_copy, 1.0, np.nan),
        },
    )

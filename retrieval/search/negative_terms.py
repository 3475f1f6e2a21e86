"""What a query does not want, as a factor on the scores of what it wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion import average_views
from retrieval.search.segment_scores import SegmentScores, make_scores_without_content

Positions = npt.NDArray[np.integer[Any]]


def apply_negatives(segment_scores: SegmentScores, negatives: Mapping[str, SegmentScores]) -> SegmentScores:
    """Scores p of n segments times 1 - q for each negative's probability q, as of independent evidence.

    negatives: scores of the same segments by text; where they are NaN, as all spaces abstain, nothing changes
    """
    factor = np.ones(len(segment_scores.segments))
    for negative in negatives.values():
        factor *= np.where(np.isnan(negative.total), 1.0, 1.0 - negative.total)
    return replace(
        segment_scores,
        total=segment_scores.total * factor,
        positive_total=segment_scores.total,
        negative_scores={text: negative.total for text, negative in negatives.items()},
    )


def score_absence(segments: Positions, negatives: Mapping[str, SegmentScores]) -> SegmentScores:
    """Scores (n,) of a query that only says what it does not want: the product of 1 - q.

    NaN where every negative abstains: of such a segment nothing is known. Of scores that are all 1, those
    with the lowest cosine come first.
    """
    is_known = np.any([~np.isnan(negative.total) for negative in negatives.values()], axis=0)
    everything = make_scores_without_content(
        segments,
        total=np.where(is_known, 1.0, np.nan),
        mean_cosine=-average_views([negative.mean_cosine for negative in negatives.values()]),
        term="anything",
    )
    return apply_negatives(everything, negatives)


def has_enough_left(
    segment_scores: SegmentScores, items: Positions, modalities: npt.NDArray[np.str_], k: int
) -> bool:
    """Whether in each modality k items score, with negatives, no less than its worst candidate does without.

    Items that were no candidates score about as much as the worst of them at best, so more need no search.

    items, modalities: (n,) of each segment
    """
    if segment_scores.positive_total is None:
        return True
    scored = ~np.isnan(segment_scores.total)
    for modality in np.unique(modalities):
        members = np.flatnonzero(scored & (modalities == modality))
        if not len(members):
            continue
        least = segment_scores.positive_total[members].min()
        if len(np.unique(items[members[segment_scores.total[members] >= least]])) < k:
            return False
    return True

"""Scores by content and by mood as one, by the dial from content alone to mood alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fusion import compute_terms, fuse_scores
from retrieval.search.fusion_rules import CONTENT_TERM, MISSING_DISCOUNT
from retrieval.search.segment_scores import SegmentScores

MOOD_TERM = "mood"


def average_content_and_mood(content: SegmentScores, mood: SegmentScores, dial: float) -> SegmentScores:
    """The weighted mean of both scores of the same segments, 1 - dial to dial, by the rule of `fuse_scores`.

    The terms of the content are multiplied by its share, so that all terms together sum to the score.
    """
    weights = {CONTENT_TERM: 1 - dial, MOOD_TERM: dial}
    scores = {CONTENT_TERM: content.total, MOOD_TERM: mood.total}
    # of ones in place of scores the terms are the shares
    ones = {name: np.where(np.isnan(row), np.nan, 1.0) for name, row in scores.items()}
    shares = compute_terms(ones, weights, MISSING_DISCOUNT)
    no_share = np.full(len(content.total), np.nan)
    return replace(
        content,
        total=fuse_scores(scores, weights, MISSING_DISCOUNT),
        affect_match=mood.affect_match,
        terms={
            **{name: row * shares.get(CONTENT_TERM, no_share) for name, row in content.terms.items()},
            MOOD_TERM: shares.get(MOOD_TERM, no_share) * mood.total,
        },
    )

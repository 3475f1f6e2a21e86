"""The merged list where many scores are as high as they can be."""

from types import SimpleNamespace

import numpy as np
import pytest

from retrieval.search.merging import MIN_DISTANCE, merge_modalities
from retrieval.search.query import Query
from retrieval.search.segment_scores import SegmentScores


def merge(modalities, totals, **settings):
    """Modalities of the merged list of items of one segment each, in order of score."""
    count = len(totals)
    nothing = np.full(count, np.nan)
    scores = SegmentScores(
        segments=np.arange(count), total=np.array(totals), mean_cosine=np.array(totals), space_scores={},
        view_scores={}, affect_match=nothing, affect_gain=nothing, copy_level=np.zeros(count, np.int64),
        moment_score=np.zeros(count),
    )  # fmt: skip
    snapshot = SimpleNamespace(
        get_modalities=lambda items: np.array(modalities)[items], item_by_segment=np.arange(count)
    )
    best = np.argsort(-np.array(totals), kind="stable")
    merged = merge_modalities(Query(text="a dog", **settings), scores, best, snapshot)
    return [modalities[index] for index in merged.indices]


@pytest.mark.parametrize("top", [1.0, 1 - MIN_DISTANCE / 2])
def test_a_list_of_ones_does_not_crowd_out_the_others(top):
    modalities, totals = ["audio"] * 10 + ["image"] * 3, [top] * 10 + [0.91] * 3
    assert merge(modalities, totals, k=6) == ["image", "audio"] * 3
    assert merge(modalities, totals, k=6, balance=1) == ["audio"] * 6


def test_what_is_no_match_stays_behind():
    assert merge(["audio"] * 5 + ["image"] * 5, [1.0] * 5 + [0.05] * 5, k=5) == ["audio"] * 5

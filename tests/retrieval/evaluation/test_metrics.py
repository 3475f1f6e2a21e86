"""Measures of ranks and of ranked lists."""

import numpy as np
import pytest

from retrieval.evaluation import (
    compute_ranks,
    first_hit_reciprocal_ranks,
    geometric_mean_recall,
    mean_rank,
    median_rank,
    precision_at,
    recall_at,
    reciprocal_ranks,
)


def test_recall_median_and_mean_by_hand():
    found = [0, 4, 5, 100]
    assert [recall_at(found, k) for k in (1, 5, 10, 101)] == [25, 50, 75, 100]
    assert (median_rank(found), median_rank(found, "plain"), mean_rank(found)) == (5, 5.5, 28.25)


def test_average_ties_at_the_top_are_hits_but_not_for_ce():
    """Two share the first place: rank .5 is below 1, and not the 0 that CE's code asks for."""
    found = compute_ranks(np.array([[0.9, 0.9, 0.1]]), [0])
    assert found.tolist() == [0.5]
    assert (recall_at(found, 1), recall_at(found, 1, "exact")) == (100, 0)
    assert (recall_at(found, 5), recall_at(found, 5, "exact")) == (100, 100)
    with pytest.raises(ValueError, match="below, exact"):
        recall_at(found, 1, "above")


def test_geometric_mean_and_reciprocal_ranks_by_hand():
    found = [0, 4, 9, 100]
    assert geometric_mean_recall(found) == pytest.approx((25 * 50 * 75) ** (1 / 3))
    assert geometric_mean_recall([3]) == 0
    assert reciprocal_ranks(found).tolist() == [1, 1 / 5, 1 / 10, 1 / 101]
    marks = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]], bool)
    assert first_hit_reciprocal_ranks(marks).tolist() == [1 / 2, 0, 1]


@pytest.mark.parametrize("measure", [mean_rank, median_rank, lambda found: recall_at(found, 1)])
def test_no_queries_and_no_ranks_are_errors(measure):
    for bad in ([], [np.nan], [-1], [[0]]):
        with pytest.raises(ValueError):
            measure(bad)


def test_bad_cutoffs_and_rules():
    for k in (0, -1):
        with pytest.raises(ValueError):
            recall_at([0], k)
    for k in (1.5, None):
        with pytest.raises(TypeError):
            recall_at([0], k)
    with pytest.raises(ValueError, match="floor, plain"):
        median_rank([0], "ceil")


def test_precision_by_hand():
    relevance = np.array([[1, 0, 1, 1], [0, 0, 0, 1]], bool)
    assert precision_at(relevance, 2).tolist() == [0.5, 0]
    assert precision_at(relevance, 8).tolist() == [3 / 8, 1 / 8]
    for bad in (relevance[0], relevance.astype(int)):
        with pytest.raises(ValueError, match="bool"):
            precision_at(bad, 1)

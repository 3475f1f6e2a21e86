"""Intervals, differences and p values of rows."""

from dataclasses import replace

import numpy as np
import pytest
from ablation_factory import unit

from experiments.ablation.fused_ranks import evaluate_similarity, fuse_similarities
from experiments.ablation.row_statistics import (
    METRIC_NAMES,
    RowRanks,
    bootstrap_median_ranks,
    draw_resamples,
)
from experiments.statistics.holm import adjust_holm
from retrieval.evaluation import bootstrap_interval, compare_paired, median_rank


@pytest.fixture(scope="module")
def evaluations():
    """Two rows of three seeds over the same 30 items of 3 captions."""
    rng, owner = np.random.default_rng(3), np.repeat(np.arange(30), 3)
    rows = []
    for noise in (1.0, 2.5):
        media = unit(rng, 30, 8)
        seeds = [media[owner] + noise * rng.normal(size=(90, 8)).astype(np.float32) for _ in range(3)]
        rows.append([evaluate_similarity(fuse_similarities([(media, texts)]), owner) for texts in seeds])
    return rows


def test_metrics_match_the_evaluator(evaluations):
    good, _ = evaluations
    weights, _ = draw_resamples(30, seed=0)
    estimates = RowRanks.from_evaluations(good).estimate_metrics(good, weights)
    for name in METRIC_NAMES:
        values = [single.compute_metrics()[name] for single in good]
        assert estimates[name].value == pytest.approx(np.mean(values))
        assert estimates[name].sd == pytest.approx(np.std(values, ddof=1))
        assert (
            estimates[name].low <= estimates[name].value + 1
            and estimates[name].high >= estimates[name].value - 1
        )
    direction = good[0].t2v
    single = RowRanks.from_evaluations(good[:1]).estimate_metrics(good[:1], weights)["T2V R@10"]
    assert single.sd is None
    low, high = bootstrap_interval(100.0 * (direction.ranks < 10), seed=0, groups=direction.groups)
    assert (single.low, single.high) == pytest.approx((low, high), abs=2)


def test_bootstrap_medians_match_repeated_ranks():
    rng = np.random.default_rng(4)
    ranks, item = rng.integers(20, size=15).astype(float), np.repeat(np.arange(5), 3)
    weights, _ = draw_resamples(5, seed=1, draw_count=20)
    expected = [median_rank(np.repeat(ranks, w[item].astype(int))) for w in weights]
    np.testing.assert_array_equal(bootstrap_median_ranks(ranks, item, weights), expected)


def test_differences_are_paired(evaluations):
    good, bad = evaluations
    weights, signs = draw_resamples(30, seed=0)
    ranks, other_ranks = RowRanks.from_evaluations(good), RowRanks.from_evaluations(bad)
    difference = ranks.compare_rsum(other_ranks, "bad", weights, signs)
    assert difference.value == pytest.approx(
        np.mean([a.rsum - b.rsum for a, b in zip(good, bad, strict=True)])
    )
    assert difference.low < difference.value < difference.high and difference.p < 0.01
    back = other_ranks.compare_rsum(ranks, "good", weights, signs)
    assert (back.value, back.p) == (pytest.approx(-difference.value), difference.p)
    same = ranks.compare_rsum(ranks, "itself", weights, signs)
    assert (same.value, same.p, same.low, same.high) == (0, 1, 0, 0)


def test_permutation_test_matches_compare_paired():
    rng, owner = np.random.default_rng(5), np.arange(40)
    first, second = (
        [
            evaluate_similarity(
                fuse_similarities([(m := unit(rng, 40, 4), m + n * rng.normal(size=(40, 4)).astype("f4"))]),
                owner,
            )
        ]
        for n in (1.0, 1.3)
    )
    weights, signs = draw_resamples(40, seed=0)
    ours = RowRanks.from_evaluations(first).compare_rsum(
        RowRanks.from_evaluations(second), "", weights, signs
    )

    def score(evaluation):
        return sum((side.ranks < k) * 100.0 for side in (evaluation.t2v, evaluation.v2t) for k in (1, 5, 10))

    other_ranks = compare_paired(score(first[0]), score(second[0]), seed=0)
    assert (ours.value, ours.p) == pytest.approx((other_ranks.value, other_ranks.p_value), abs=0.04)
    assert (ours.low, ours.high) == pytest.approx((other_ranks.low, other_ranks.high), abs=12)


def test_holm():
    assert adjust_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust_holm([0.6, 0.9]) == [1, 1]
    assert adjust_holm([]) == []


def test_a_difference_in_words(evaluations):
    weights, signs = draw_resamples(30, seed=0)
    difference = RowRanks.from_evaluations(evaluations[0]).compare_rsum(
        RowRanks.from_evaluations(evaluations[1]), "base", weights, signs
    )
    assert replace(difference, holm=0.01).words == "better than base"
    assert replace(difference, holm=0.01, value=-1.0).words == "worse than base"
    assert replace(difference, holm=0.2).words == "no difference shown from base"

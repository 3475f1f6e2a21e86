"""Estimates of a row's metrics and their intervals."""

import numpy as np
import pytest
from evaluation_factory import evaluate_noisy_texts

from experiments.ablation.row_ranks import METRIC_NAMES, RECALL_NAMES, RowRanks
from experiments.ablation.row_statistics import (
    bootstrap_median_ranks,
    draw_bootstrap_weights,
    estimate_metrics,
)
from experiments.ablation.settings import PROTOCOLS
from retrieval.evaluation import bootstrap_interval, estimate_percentage, median_rank


@pytest.fixture(scope="module")
def evaluations():
    return evaluate_noisy_texts(1.0)


def estimate(evaluations, items=30):
    weights = draw_bootstrap_weights(items, seed=0)
    return estimate_metrics(RowRanks.from_evaluations(evaluations), evaluations, weights)


def test_metrics_match_the_evaluator(evaluations):
    estimates = estimate(evaluations)
    for name in METRIC_NAMES:
        values = [single.compute_metrics()[name] for single in evaluations]
        assert estimates[name].value == pytest.approx(np.mean(values))
        assert estimates[name].sd == pytest.approx(np.std(values, ddof=1))
        assert estimates[name].low - 1 <= estimates[name].value <= estimates[name].high + 1
    assert estimate(evaluations[:1])["rsum"].sd is None


@pytest.mark.parametrize("name", PROTOCOLS)
def test_metrics_match_the_evaluator_under_all_rules(name):
    """Also where a query with ties has several ranks."""
    evaluations = evaluate_noisy_texts(1.0, protocol=PROTOCOLS[name], decimals=0)
    assert (evaluations[0].t2v.rank_counts.tied > 0).mean() > 0.3
    row, estimates = RowRanks.from_evaluations(evaluations), estimate(evaluations)
    assert row.rsum_values.shape == (3, 30)
    assert row.rsum_values.mean(1) == pytest.approx([single.rsum for single in evaluations])
    for metric in METRIC_NAMES:
        assert estimates[metric].value == pytest.approx(
            np.mean([single.compute_metrics()[metric] for single in evaluations])
        )
        assert estimates[metric].low - 1 <= estimates[metric].value <= estimates[metric].high + 1


def test_recalls_have_score_intervals(evaluations):
    direction = evaluations[0].t2v
    single = estimate(evaluations[:1])["T2V R@10"]
    expected = estimate_percentage(direction.ranks < 10, direction.groups)
    assert (single.low, single.high) == pytest.approx((expected.low, expected.high))


def test_interval_of_rsum_agrees_with_the_bootstrap(evaluations):
    values = RowRanks.from_evaluations(evaluations).rsum_values
    assert values.mean(1) == pytest.approx([single.rsum for single in evaluations])
    rsum = estimate(evaluations)["rsum"]
    low, high = bootstrap_interval(values.mean(0), seed=0)
    assert (rsum.low, rsum.high) == pytest.approx((low, high), abs=15)


@pytest.mark.parametrize(("noise", "value"), [(0.0, 600), (1e6, 0)])
def test_no_interval_without_width_at_the_ends(noise, value):
    """All recalls 100, or almost all 0."""
    evaluations = evaluate_noisy_texts(noise, seeds=2, items=40, captions=1)
    estimates = estimate(evaluations, items=40)
    assert estimates["rsum"].value == pytest.approx(value, abs=120)
    for name in (*RECALL_NAMES, "rsum"):
        assert estimates[name].high - estimates[name].low > 3
    if value == 600:
        assert estimates["rsum"].high == 600 and estimates["rsum"].low < 590


def test_bootstrap_medians_match_repeated_ranks():
    rng = np.random.default_rng(4)
    ranks, item = rng.integers(20, size=15).astype(float), np.repeat(np.arange(5), 3)
    weights = draw_bootstrap_weights(5, seed=1, draw_count=20)
    for rule in ("floor", "plain"):
        expected = [median_rank(np.repeat(ranks, w[item].astype(int)), rule) for w in weights]
        np.testing.assert_array_equal(bootstrap_median_ranks(ranks, item, weights, rule), expected)

"""Intervals of proportions: by hand, at the limits, with groups, and by simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from retrieval.evaluation import compute_proportion_interval, estimate_percentage


def test_single_hits_give_wilsons_interval():
    hits = np.repeat([1, 0], [13, 21])
    wilson = binomtest(13, 34).proportion_ci(method="wilson")
    assert compute_proportion_interval(hits) == pytest.approx((wilson.low, wilson.high))
    assert compute_proportion_interval(hits, np.arange(34)) == pytest.approx((wilson.low, wilson.high))


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(17), 2)])
def test_all_hits_or_none_have_a_width_and_mirror_each_other(groups):
    low, high = compute_proportion_interval(np.zeros(34), groups)
    assert low == 0 and 0.08 < high < 0.3
    assert compute_proportion_interval(np.ones(34), groups) == pytest.approx((1 - high, 1))


def test_hits_and_misses_mirror_each_other():
    rng = np.random.default_rng(0)
    hits, groups = (rng.random(200) < 0.03).astype(float), rng.integers(0, 20, 200)
    low, high = compute_proportion_interval(hits, groups)
    assert compute_proportion_interval(1 - hits, groups) == pytest.approx((1 - high, 1 - low))


def test_equal_hits_of_a_group_say_as_much_as_one():
    one = (np.random.default_rng(0).random(200) < 0.4).astype(float)
    single = np.diff(compute_proportion_interval(one))
    whole = np.diff(compute_proportion_interval(np.repeat(one, 5), np.repeat(np.arange(200), 5)))
    assert whole == pytest.approx(single, rel=0.03)
    naive = np.diff(compute_proportion_interval(np.repeat(one, 5)))
    assert whole > 2 * naive


def test_few_hits_of_many_captions_leave_open_whether_captions_agree():
    """One hit among 34 videos with 12 captions each: the next video might be hit by all of its captions."""
    hits = np.zeros(34 * 12)
    hits[0] = 1
    _, alone = compute_proportion_interval(hits)
    _, grouped = compute_proportion_interval(hits, np.repeat(np.arange(34), 12))
    assert grouped > 3 * alone


def test_fractions_that_do_not_vary_keep_a_width():
    low, high = compute_proportion_interval(np.full(34, 0.5))
    assert 0.3 < low < 0.5 < high < 0.7
    means = np.random.default_rng(0).binomial(5, 0.3, 100) / 5
    low, high = compute_proportion_interval(means)
    binomial = np.diff(compute_proportion_interval(np.repeat([1, 0], [30, 70])))
    assert 0 < high - low < 0.6 * binomial


def test_one_group_counts_as_one_value():
    low, high = compute_proportion_interval(np.repeat([1, 0], 50), np.zeros(100))
    assert low < 0.1 and high > 0.9


def test_a_percentage_is_an_estimate():
    low, high = compute_proportion_interval([1, 0, 1, 0.5])
    assert estimate_percentage([1, 0, 1, 0.5]).to_json() == pytest.approx(
        {"value": 62.5, "low": 100 * low, "high": 100 * high}
    )


@pytest.mark.parametrize(
    ("hits", "options"),
    [([], {}), ([100.0], {}), ([-0.1], {}), ([np.nan], {}), ([[1]], {}), ([1], {"level": 1}),
     ([1, 0], {"groups": [0]})],
)  # fmt: skip
def test_what_is_no_proportion_is_refused(hits, options):
    with pytest.raises(ValueError):
        compute_proportion_interval(hits, **options)

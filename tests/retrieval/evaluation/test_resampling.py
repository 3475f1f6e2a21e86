"""Bootstrap intervals, permutation tests and paired comparisons."""

import itertools

import numpy as np
import pytest

from retrieval.evaluation import (
    Estimate,
    bootstrap_estimate,
    bootstrap_interval,
    compare_paired,
    permutation_p_value,
    recall_at,
    resampling,
)


def test_bootstrap_of_a_constant_is_a_point_and_of_a_seed_always_the_same():
    assert bootstrap_interval(np.full(9, 3.0), seed=0) == (3, 3)
    values = np.arange(50.0)
    assert bootstrap_interval(values, seed=1) == bootstrap_interval(values, seed=1)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


def test_a_bootstrap_estimate_is_the_statistic_with_its_interval():
    values = np.random.default_rng(0).normal(size=40)
    found = bootstrap_estimate(values, np.median, seed=1)
    assert found == Estimate(float(np.median(values)), *bootstrap_interval(values, np.median, seed=1))


def test_a_difference_is_an_estimate_with_a_p_value():
    found = compare_paired([3.0, 4, 5], [1.0, 2, 3], seed=0)
    assert isinstance(found, Estimate)
    assert found.to_json() == pytest.approx({"value": 2, "low": 2, "high": 2, "p_value": found.p_value})
    assert str(found) == f"+2.00 [+2.00, +2.00], p = {found.p_value:.3f}"


def test_bootstrap_agrees_with_the_normal_interval():
    values = np.random.default_rng(0).normal(5, 2, 2000)
    half = 1.96 * values.std() / np.sqrt(2000)
    low, high = bootstrap_interval(values, seed=0)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_groups_are_drawn_whole():
    """Five equal captions of each photo say as much as one: the interval is that of the photos."""
    photos = np.random.default_rng(0).normal(size=200)
    captions, photo = np.repeat(photos, 5), np.repeat(np.arange(200), 5)
    mix = np.random.default_rng(1).permutation(1000)
    whole = np.diff(bootstrap_interval(captions[mix], seed=0, groups=photo[mix]))
    assert whole == pytest.approx(np.diff(bootstrap_interval(photos, seed=0)), rel=0.1)
    assert whole > 1.8 * np.diff(bootstrap_interval(captions, seed=0))  # about sqrt(5)


def test_groups_of_one_are_the_plain_bootstrap():
    values = np.random.default_rng(0).normal(size=30)
    assert bootstrap_interval(values, seed=3, groups=np.arange(30)) == bootstrap_interval(values, seed=3)


def test_each_draw_holds_whole_groups_only():
    groups = np.array(["b", "a", "b", "c", "b", "c"])
    draw = resampling.draw_resamples(6, groups, np.random.default_rng(0))
    for _ in range(20):
        times = np.bincount(next(draw), minlength=6)
        assert times[0] == times[2] == times[4]
        assert times[3] == times[5]
        assert times[0] + times[1] + times[3] == 3


def test_bootstrap_takes_any_statistic_and_paired_columns():
    found = np.array([0, 0, 9, 9])
    low, high = bootstrap_interval(found, lambda draw: recall_at(draw, 1), seed=0)
    assert 0 <= low < 50 < high <= 100
    pairs = np.stack([found, found], axis=1)
    assert bootstrap_interval(
        pairs, lambda draw: recall_at(draw[:, 0], 1) - recall_at(draw[:, 1], 1), seed=0
    ) == (
        0,
        0,
    )


@pytest.mark.parametrize(
    ("values", "options"),
    [([], {}), (1.0, {}), ([1.0], {"level": 1}), ([1.0], {"draws": 0}), ([1.0, 2.0], {"groups": [0]})],
)
def test_bootstrap_refuses_nonsense(values, options):
    with pytest.raises(ValueError):
        bootstrap_interval(values, seed=0, **options)


def test_permutation_agrees_with_all_swaps():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0.6, 1, 9), rng.normal(0, 1, 9)
    gaps = one - other
    signs = np.array(list(itertools.product([1, -1], repeat=9)))
    exact = np.mean(np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-9)
    assert permutation_p_value(one, other, seed=0, draws=4000) == pytest.approx(exact, abs=0.025)
    assert permutation_p_value([1.0], [0.0], seed=0) == 1  # either way round the gap is as large


def test_groups_are_swapped_whole():
    """Ten equal captions of each of five videos: p is that of five, at least 2 / 2**5, not that of fifty."""
    one, other = np.repeat(np.arange(5) + 1.0, 10), np.zeros(50)
    groups = np.repeat(list("abcde"), 10)
    assert permutation_p_value(one, other, seed=0, groups=groups) == pytest.approx(1 / 16, abs=0.02)
    assert permutation_p_value(one, other, seed=0) < 0.001


def test_rows_are_compared_in_pairs():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 10, 300)  # what both find hard tells nothing of their difference
    told = compare_paired(hard + rng.normal(0.3, 1, 300), hard, seed=0)
    assert told.low < 0.3 < told.high
    assert told.high - told.low < 0.3
    assert told.p_value < 0.01
    same = compare_paired(hard, hard, np.median, seed=0)
    assert (same.value, same.low, same.high, same.p_value) == (0, 0, 0, 1)
    assert str(same) == "+0.00 [+0.00, +0.00], p = 1.000"
    for bad in ([1.0], [], [[1.0]]):
        with pytest.raises(ValueError):
            compare_paired([1.0, 2.0], bad, seed=0)


def test_draws_that_can_not_be_measured_are_left_out():
    def mean_of_ones(drawn):
        return float(drawn.mean()) if (drawn == 1).any() else float("nan")

    low, high = bootstrap_interval([1, 0, 0], mean_of_ones, seed=0, draws=500)
    assert 0 < low <= 1 / 3 and high <= 1
    assert np.isnan(bootstrap_interval([0, 0], mean_of_ones, seed=0, draws=9)).all()

"""Differences of methods over seeds and items."""

import numpy as np
import pytest
from scipy import stats

from experiments.statistics.crossed_effects import (
    LEAST_P,
    MeanDifference,
    VarianceComponent,
    compare_methods,
    compare_networks,
)


def draw(rng, seeds, items, *, seed_sd=0.0, residual_sd=1.0, item_sd=1.0):
    item = item_sd * rng.normal(size=items)
    return item + seed_sd * rng.normal(size=(seeds, 1)) + residual_sd * rng.normal(size=(seeds, items))


def test_of_networks_it_is_the_paired_t_test_over_items():
    rng = np.random.default_rng(0)
    first, second = draw(rng, 3, 40), draw(rng, 3, 40)
    difference = compare_networks(first, second)
    expected = stats.ttest_rel(first.mean(0), second.mean(0))
    assert difference.p_value == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.9)
    assert difference.compute_interval(0.9) == pytest.approx((interval.low, interval.high))


def test_spread_of_seeds_widens_the_statement_about_the_method():
    rng = np.random.default_rng(1)
    first = draw(rng, 5, 1000, seed_sd=3.0, item_sd=0.0)
    second = draw(rng, 5, 1000, seed_sd=3.0, item_sd=0.0)
    networks, method = (
        compare_networks(first, second),
        compare_methods(first, second, paired_seeds=False),
    )
    welch = stats.ttest_ind(first.mean(1), second.mean(1), equal_var=False)
    # seeds differ by so much more than items that little but Welch's test over seeds is left
    assert networks.p_value < 1e-6
    assert method.p_value == pytest.approx(welch.pvalue, rel=0.05)


def test_without_spread_of_seeds_both_statements_agree():
    values = np.tile(np.random.default_rng(2).normal(size=(1, 50)), (4, 1))
    other = np.random.default_rng(3).normal(size=(1, 50))
    method = compare_methods(values, other, paired_seeds=False)
    assert method.p_value == pytest.approx(compare_networks(values, other).p_value)


def test_seeds_that_share_a_network_are_paired():
    rng = np.random.default_rng(4)
    first = draw(rng, 5, 200, seed_sd=5.0)
    second = first + 0.3 + 0.1 * rng.normal(size=first.shape)
    assert compare_methods(first, second, paired_seeds=True).p_value < 1e-6
    assert compare_methods(first, second, paired_seeds=False).p_value > 0.3
    with pytest.raises(ValueError, match="don't pair"):
        compare_methods(first, second[:3], paired_seeds=True)


def test_a_method_without_seeds_adds_no_spread():
    rng = np.random.default_rng(5)
    first, baseline = draw(rng, 5, 100, seed_sd=2.0), draw(rng, 1, 100)
    components = compare_methods(first, baseline, paired_seeds=False).components
    assert [component.degrees for component in components] == [4, 99]


@pytest.mark.parametrize("level", [0.5, 0.95, 0.998])
def test_interval_holds_zero_where_p_is_large(level):
    rng = np.random.default_rng(6)
    for shift in np.linspace(0, 3, 31):
        first, second = draw(rng, 3, 30, seed_sd=1.0) + shift, draw(rng, 3, 30, seed_sd=1.0)
        difference = compare_methods(first, second, paired_seeds=False)
        low, high = difference.compute_interval(level)
        assert (low <= 0 <= high) == (difference.p_value > 1 - level)


def test_the_critical_value_lies_between_those_of_its_components():
    parts = (VarianceComponent(variance=1.0, degrees=2), VarianceComponent(variance=3.0, degrees=59))
    critical = MeanDifference(value=1.0, components=parts).compute_critical_value(0.05)
    assert critical == pytest.approx(0.25 * stats.t.isf(0.025, 2) + 0.75 * stats.t.isf(0.025, 59))


def test_degenerate_differences():
    equal = np.ones((3, 20))
    assert compare_networks(equal, equal).p_value == 1
    assert compare_methods(equal, equal, paired_seeds=True).compute_interval(0.95) == (0, 0)
    assert compare_networks(equal, 0 * equal).p_value == pytest.approx(2.0**-19)
    rng = np.random.default_rng(7)
    far = compare_networks(1e9 + draw(rng, 1, 500), draw(rng, 1, 500))
    assert far.p_value == LEAST_P
    with pytest.raises(ValueError, match="two or more items"):
        compare_networks(np.ones((2, 1)), np.ones((2, 1)))

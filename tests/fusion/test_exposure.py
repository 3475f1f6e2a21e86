import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion import balanced_merge, choose_balance_factor, compute_exposure_shares

LISTS = st.lists(st.lists(st.floats(0.01, 1), min_size=1, max_size=8).map(sorted), min_size=2, max_size=3)


def compute_shares(lists, k, c):
    return compute_exposure_shares(balanced_merge([np.array(one) for one in lists], k, c)[0], len(lists))


def test_shares_by_hand():
    first, second, third = 1, 1 / math.log2(3), 1 / 2
    total = first + second + third
    assert compute_exposure_shares([1, 0, 1], 3) == pytest.approx(
        [second / total, (first + third) / total, 0]
    )
    assert np.isnan(compute_exposure_shares([], 2)).all()


@settings(max_examples=60)
@given(LISTS, st.integers(1, 12), st.floats(0, 1), st.integers(0, 2))
def test_the_share_is_given_where_any_factor_gives_it_and_no_smaller_one_does(lists, k, share, which):
    wanted = [share if number == which % len(lists) else 0.0 for number in range(len(lists))]
    chosen = choose_balance_factor([np.array(one) for one in lists], k, wanted)

    def find_lack(c):
        return max(share - compute_shares(lists, k, c)[which % len(lists)], 0)

    tried = np.geomspace(1, 1.01 * max(map(max, lists)) / min(map(min, lists)), 129)
    lacks = [find_lack(c) for c in tried]
    assert find_lack(chosen) == pytest.approx(min(lacks), abs=1e-6)
    assert all(lack > find_lack(chosen) - 1e-6 for c, lack in zip(tried, lacks, strict=True) if c < chosen)


def test_nothing_wanted_is_by_distance_alone():
    assert choose_balance_factor([np.array([0.1, 0.2]), np.array([0.3])], 3, [0, 0]) == 1


def test_a_larger_share_needs_a_larger_factor():
    lists = [np.linspace(0.1, 0.3, 20), np.linspace(0.4, 0.6, 20)]
    factors = [choose_balance_factor(lists, 10, [0, share]) for share in (0.0, 0.1, 0.25, 0.35)]
    assert factors[0] == 1 and factors == sorted(set(factors))
    for share, factor in zip((0.1, 0.25, 0.35), factors[1:], strict=True):
        assert compute_shares(lists, 10, factor)[1] >= share


def test_lists_without_items_or_distance_do_not_fail():
    empty = np.array([])
    assert choose_balance_factor([empty, empty], 5, [0.5, 0.5]) == 1
    assert choose_balance_factor([np.zeros(3), np.array([math.inf])], 5, [0.1, 0.2]) >= 1
    assert choose_balance_factor([], 5, []) == 1


@pytest.mark.parametrize("bad", [[0.5], [0.6, 0.6], [-0.1, 0], [math.nan, 0]])
def test_refuses_shares_that_make_no_sense(bad):
    with pytest.raises(ValueError, match="shares"):
        choose_balance_factor([np.ones(2), np.ones(2)], 2, bad)

import operator
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.balanced_merge import MAX_FACTOR, MIN_FACTOR, balanced_merge, compute_factor_powers

FACTORS = [0.5, 0.9, 1.0, 1.1, 2.0, 1e6]
COARSE = st.integers(0, 12).map(lambda tenths: tenths / 10)  # many ties, many zeros
FINE = st.floats(0, 1e3, allow_nan=False)


def lists_of(distance):
    one = st.lists(distance, max_size=12).map(sorted)
    return st.lists(one, max_size=4)


def balanced_merge_loop(lists, k, c):
    """The report's loop, section 7.2: after a pick the remaining distances of that list grow by c.

    The growth is kept as one factor a list, (c * c) * d and not (d * c) * c: the same in the reals, and
    test_literal_loop_in_exact_numbers shows that nothing but rounding lies between the two.
    """
    heads, factor, picks = [0] * len(lists), [1.0] * len(lists), []
    while len(picks) < k:
        open_lists = [i for i, one in enumerate(lists) if heads[i] < len(one)]
        if not open_lists:
            break
        nearest = min(open_lists, key=lambda i: (float(lists[i][heads[i]]) * factor[i], i))
        picks.append((nearest, heads[nearest]))
        heads[nearest] += 1
        factor[nearest] = min(max(factor[nearest] * c, MIN_FACTOR), MAX_FACTOR)
    return picks


def literal_loop(lists, k, c):
    """The same to the letter: every remaining distance is multiplied after every pick."""
    left = [list(enumerate(one)) for one in lists]
    picks = []
    while len(picks) < k and any(left):
        nearest = min((i for i, one in enumerate(left) if one), key=lambda i: (left[i][0][1], i))
        picks.append((nearest, left[nearest][0][0]))
        left[nearest] = [(place, distance * c) for place, distance in left[nearest][1:]]
    return picks


def merged(lists, k, c):
    which, place = balanced_merge([np.array(one, float) for one in lists], k, c)
    return list(zip(which.tolist(), place.tolist(), strict=True))


@settings(max_examples=400)
@given(lists_of(COARSE) | lists_of(FINE), st.integers(0, 60), st.sampled_from(FACTORS))
def test_equals_the_loop(lists, k, c):
    assert merged(lists, k, c) == balanced_merge_loop(lists, k, c)


@given(lists_of(st.integers(0, 8)), st.integers(0, 60), st.sampled_from([Fraction(1, 2), 1, 2, 10**6]))
def test_literal_loop_in_exact_numbers(lists, k, c):
    assert merged(lists, k, float(c)) == literal_loop([[Fraction(d) for d in one] for one in lists], k, c)


def sort_by_keys(lists, k, c):
    """The closed form in exact numbers: the largest d_i * c^i up to each item, in one stable sort."""
    keys = [
        (max(d * c**i for i, d in enumerate(one[: place + 1])), number, place)
        for number, one in enumerate(lists)
        for place in range(len(one))
    ]
    return [(number, place) for _, number, place in sorted(keys)[:k]]


RATIONAL = st.builds(Fraction, st.integers(0, 40), st.integers(1, 12))
FACTOR = st.builds(Fraction, st.integers(1, 30), st.integers(1, 12))


@settings(max_examples=400)
@given(lists_of(RATIONAL), st.integers(0, 50), FACTOR)
def test_the_closed_form_is_the_loop_in_rational_arithmetic(lists, k, c):
    assert sort_by_keys(lists, k, c) == literal_loop(lists, k, c)


@given(lists_of(COARSE) | lists_of(FINE), st.integers(0, 60), st.floats(1e-3, 1e3))
def test_order_inside_a_list_is_kept_and_nothing_is_lost(lists, k, c):
    picks = merged(lists, k, c)
    assert len(picks) == min(k, sum(map(len, lists)))
    for number in range(len(lists)):
        places = [place for which, place in picks if which == number]
        assert places == list(range(len(places)))


@pytest.mark.parametrize(
    ("c", "want"),
    [
        (1.0, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]),
        (2.0, [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1)]),  # keys .1 .4 1.2 and .5 1.2
        (1e6, [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2)]),
        (0.5, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]),
    ],
)
def test_by_hand(c, want):
    assert merged([[0.1, 0.2, 0.3], [0.5, 0.6]], 9, c) == want


def test_equal_keys_take_the_earlier_list_and_zeros_stay_in_front():
    assert merged([[0.5], [0.5]], 2, 1.1) == [(0, 0), (1, 0)]
    assert merged([[0.01], [0, 0, 0]], 4, 1e6) == [(1, 0), (1, 1), (1, 2), (0, 0)]


def test_thousands_of_items_do_not_overflow():
    lists = [np.r_[np.zeros(3), np.linspace(1, 2, 3000), np.inf] for _ in range(2)]
    for c in (0.5, 1e6):
        with np.errstate(all="raise"):
            assert merged(lists, 7000, c) == balanced_merge_loop(lists, 7000, c)


def test_nothing_in_nothing_out():
    for lists in ([], [[]], [[], []]):
        which, place = balanced_merge([np.array(one) for one in lists], 5)
        assert which.shape == place.shape == (0,)
        assert which.dtype == place.dtype == np.int64
    assert merged([[1.0]], 0, 1.1) == []


def test_powers_are_repeated_multiplication():
    assert compute_factor_powers(1.1, 100).tolist() == list(accumulate([1.0] + 99 * [1.1], operator.mul))
    assert compute_factor_powers(1e200, 4).tolist() == [1, 1e200, MAX_FACTOR, MAX_FACTOR]


@pytest.mark.parametrize("c", [0, -1, float("inf"), float("nan")])
def test_refuses_a_bad_factor(c):
    with pytest.raises(ValueError, match="positive and finite"):
        balanced_merge([np.ones(2)], 2, c)


@pytest.mark.parametrize("bad", [[0.1, np.nan], [np.nan], [-0.1, 0], [0.2, 0.1], [[0.1]], 0.1])
def test_refuses_bad_distances(bad):
    for lists in ([bad], [[], [0.1], bad, []], [bad, [0.3]]):
        with pytest.raises(ValueError):
            balanced_merge([np.array(one) for one in lists], 2)


def test_refuses_a_bad_count():
    with pytest.raises(ValueError):
        balanced_merge([], -1)
    with pytest.raises(TypeError):
        balanced_merge([], 1.5)

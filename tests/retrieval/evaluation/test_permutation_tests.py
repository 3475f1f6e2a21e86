"""The exchange of whole groups of unequal length, and what depends on it."""

import numpy as np
import pytest
import scipy.spatial

from retrieval.evaluation import protest
from retrieval.evaluation.permutation_tests import compute_permuted_errors, draw_permutations

UNEQUAL = np.array(list("abababbbccccccccbb"))  # 3, 7 and 8 rows, not all side by side


def test_a_group_takes_the_rows_of_another_in_their_order():
    seen = set()
    for order in draw_permutations(len(UNEQUAL), 60, seed=0, groups=UNEQUAL, exchange="groups"):
        donors = []
        for group in "abc":
            taken = order[group == UNEQUAL]
            (donor,) = set(UNEQUAL[taken])
            rows = np.flatnonzero(donor == UNEQUAL)
            expected = [rows[place * len(rows) // len(taken)] for place in range(len(taken))]
            assert taken.tolist() == expected
            donors.append(donor)
        assert sorted(donors) == list("abc")
        seen.add(tuple(donors))
    assert len(seen) == 6


def test_groups_of_equal_size_are_permuted_whole():
    """As before: orders of whole groups drawn one after the other."""
    groups = np.repeat(np.arange(5), 3)
    orders = draw_permutations(15, 20, seed=3, groups=groups, exchange="groups")
    rng = np.random.default_rng(3)
    expected = [np.arange(15).reshape(5, 3)[rng.permutation(5)].ravel() for _ in range(20)]
    assert np.array_equal(orders, expected)


def test_protest_of_unequal_groups_is_scipys_on_every_exchange():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, len(UNEQUAL), 2))
    result = protest(x, y, seed=1, draws=40, groups=UNEQUAL, exchange="groups")
    orders = draw_permutations(len(UNEQUAL), 40, seed=1, groups=UNEQUAL, exchange="groups")
    expected = [np.sqrt(1 - scipy.spatial.procrustes(x, y[order])[2]) for order in orders]
    assert result.null_correlations == pytest.approx(expected)


def test_errors_of_repeated_rows():
    rng = np.random.default_rng(0)
    predictions, targets = rng.normal(size=(2, len(UNEQUAL), 2))
    orders = draw_permutations(len(UNEQUAL), 30, seed=1, groups=UNEQUAL, exchange="groups")
    expected = [((predictions - targets[order]) ** 2).sum() for order in orders]
    assert compute_permuted_errors(predictions, targets, orders) == pytest.approx(expected)


def test_a_group_that_does_not_vary_may_replace_all_others():
    """An exchange may leave a cloud without any variation: it then has no correlation, not NaN."""
    groups = np.array([0] * 30 + [1])
    target = np.zeros((31, 2))
    target[:30] = np.random.default_rng(0).normal(size=(30, 2))
    result = protest(target + 1, target, seed=0, draws=20, groups=groups, exchange="groups")
    assert np.isfinite(result.null_correlations).all() and (result.null_correlations <= 1 + 1e-9).all()

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fusion import compute_reciprocal_ranks

NAN = math.nan
ROW = st.tuples(st.integers(0, 4), st.sampled_from([0.0, 0.25, 0.5, 1.0, NAN]))


def compute_reciprocal_ranks_by_loop(scores, items):
    best = {}
    for score, item in zip(scores, items, strict=True):
        if not math.isnan(score):
            best[item] = max(score, best.get(item, -1.0))
    found = []
    for score, item in zip(scores, items, strict=True):
        others = [value for other, value in best.items() if other != item]
        greater, equal = sum(value > score for value in others), sum(value == score for value in others)
        found.append(NAN if math.isnan(score) else 61 / (60 + 1 + greater + equal / 2))
    return found


@given(st.lists(ROW, max_size=12))
def test_equals_the_loop(rows):
    items, scores = [item for item, _ in rows], [score for _, score in rows]
    found = compute_reciprocal_ranks(np.array(scores), np.array(items, np.int64))
    np.testing.assert_allclose(found, compute_reciprocal_ranks_by_loop(scores, items), rtol=1e-15)


def test_the_sum_orders_as_in_the_paper():
    """Of scores without ties or gaps: the sum of 1 / (60 + rank)."""
    rng = np.random.default_rng(0)
    spaces, items = rng.permutation(30).reshape(3, 10) / 30, np.arange(10)
    ours = sum(compute_reciprocal_ranks(row, items) for row in spaces)
    paper = sum(1 / (60 + (-row).argsort().argsort() + 1) for row in spaces)
    np.testing.assert_allclose(ours, 61 * paper)


def test_a_long_film_takes_one_place():
    scores, items = np.array([0.9, 0.8, 0.7, 0.1]), np.array([0, 0, 0, 1])
    assert compute_reciprocal_ranks(scores, items).tolist() == [1, 1, 1, 61 / 62]

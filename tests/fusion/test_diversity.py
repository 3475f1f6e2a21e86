import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion import select_diverse

SHARE = st.integers(0, 8).map(lambda eighths: eighths / 8)  # exact sums, many ties


def select_diverse_by_loop(relevance, similarities, count, tradeoff):
    """The paper's formula, to the letter."""
    chosen = []
    while len(chosen) < min(count, len(relevance)):
        rest = [at for at in range(len(relevance)) if at not in chosen]

        def marginal(at):
            known = [similarities[at][other] for other in chosen if not math.isnan(similarities[at][other])]
            return tradeoff * relevance[at] - (1 - tradeoff) * max([0.0, *known])

        chosen.append(max(rest, key=lambda at: (marginal(at), -at)))
    return chosen


@st.composite
def galleries(draw):
    count = draw(st.integers(0, 7))
    relevance = draw(st.lists(SHARE, min_size=count, max_size=count))
    similarities = np.eye(count)
    for i in range(count):
        for j in range(i):
            similarities[i, j] = similarities[j, i] = draw(SHARE | st.just(math.nan) | st.just(-0.5))
    return relevance, similarities


@given(galleries(), st.integers(0, 9), SHARE)
def test_equals_the_loop(gallery, count, tradeoff):
    relevance, similarities = gallery
    found = select_diverse(np.array(relevance, float), lambda at: similarities[at], count, tradeoff)
    assert found.tolist() == select_diverse_by_loop(relevance, similarities, count, tradeoff)


@given(galleries())
def test_relevance_alone_is_the_order_of_scores(gallery):
    relevance, similarities = gallery
    found = select_diverse(np.array(relevance, float), lambda at: similarities[at], len(relevance), 1.0)
    assert found.tolist() == np.argsort(-np.array(relevance), kind="stable").tolist()


def test_a_copy_comes_after_what_is_unlike_it():
    similarities = np.array([[1, 1, 0.1], [1, 1, 0.1], [0.1, 0.1, 1]])
    found = select_diverse(np.array([0.9, 0.9, 0.6]), lambda at: similarities[at], 3, 0.7)
    assert found.tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("relevance", "count", "tradeoff"),
    [([0.5], 1, 1.1), ([0.5], 1, math.nan), ([0.5], -1, 0.5), ([math.nan], 1, 0.5)],
)
def test_refuses_what_makes_no_sense(relevance, count, tradeoff):
    with pytest.raises(ValueError):
        select_diverse(np.array(relevance), lambda at: np.zeros(1), count, tradeoff)

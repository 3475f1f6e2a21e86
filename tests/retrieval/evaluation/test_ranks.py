"""Ranks by every rule of ties, of matrices and of rows."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retrieval.evaluation import (
    InnerProductSimilarity,
    compute_ranks,
    compute_ranks_from_embeddings,
    count_ranks,
    median_rank,
    recall_at,
    similarity_blocks,
)

NAN, INF = np.nan, np.inf
COARSE = st.sampled_from([NAN, -INF, -0.5, 0.0, 0.25, 1.0])


def rank_by_sorting(row, target, ties):
    """The rule spelt out: sort, missing last, and look where the target may stand."""
    key = [(2, 0) if np.isnan(value) else (1, -value) for value in row]
    places = [place for place, other in enumerate(sorted(key)) if other == key[target]]
    return {"optimistic": places[0], "pessimistic": places[-1], "average": np.mean(places)}[ties]


@pytest.mark.parametrize(
    ("ties", "first", "floor", "plain"),
    [
        ("average", 0.0, 500, 500.5),
        ("optimistic", 100.0, 1, 1),
        ("pessimistic", 0.0, 1000, 1000),
        ("argsort", 0.1, 500, 500.5),
        ("each", 0.1, 500, 500.5),
    ],
)
def test_constant_matrix(ties, first, floor, plain):
    """The protocol's golden: 1000 x 1000 equal similarities."""
    found = compute_ranks(np.ones((1000, 1000), np.float32), np.arange(1000), ties)
    assert recall_at(found, 1) == first
    assert (median_rank(found, "floor"), median_rank(found, "plain")) == (floor, plain)
    assert len(found) == (1_000_000 if ties == "each" else 1000)


def test_ranks_by_hand():
    similarity = np.array([[0.9, 0.5, 0.5, 0.1], [0.2, NAN, -INF, 0.3], [NAN, NAN, 0.1, -INF]])
    assert compute_ranks(similarity, [1, 2, 0], "optimistic").tolist() == [1, 2, 2]
    assert compute_ranks(similarity, [1, 2, 0], "average").tolist() == [1.5, 2, 2.5]
    assert compute_ranks(similarity, [1, 2, 0], "pessimistic").tolist() == [2, 2, 3]


@given(
    arrays(np.float32, (4, 6), elements=COARSE),
    st.lists(st.integers(0, 5), min_size=4, max_size=4),
    st.sampled_from(["average", "optimistic", "pessimistic"]),
)
def test_ranks_equal_sorting(similarity, target, ties):
    want = [rank_by_sorting(row, item, ties) for row, item in zip(similarity, target, strict=True)]
    assert compute_ranks(similarity, target, ties).tolist() == want


@given(arrays(np.float64, (3, 5), elements=COARSE), st.permutations(range(5)))
def test_ranks_do_not_depend_on_the_order_of_the_gallery(similarity, order):
    moved = [order.index(item) for item in (0, 1, 2)]
    assert np.array_equal(compute_ranks(similarity, [0, 1, 2]), compute_ranks(similarity[:, order], moved))


FINITE = arrays(np.float64, (4, 6), elements=st.sampled_from([-1.0, -0.5, 0.0, 0.25]))
TARGETS = st.lists(st.integers(0, 5), min_size=4, max_size=4)


@given(FINITE, TARGETS)
def test_argsort_is_the_reversed_stable_sort(similarity, target):
    """As in JEMC's and VSE++'s loops, whose default sort is stable for short rows."""
    orders = [np.argsort(row, kind="stable")[::-1] for row in similarity]
    want = [np.where(order == item)[0][0] for order, item in zip(orders, target, strict=True)]
    assert compute_ranks(similarity, target, "argsort").tolist() == want


@given(FINITE, TARGETS)
def test_each_is_every_place_of_the_sorted_row_that_equals_the_target(similarity, target):
    """As in CLIP4Clip's compute_metrics; CE's averages these places."""
    rows = zip(similarity, target, strict=True)
    places = [np.flatnonzero(np.sort(-row) + row[item] == 0).tolist() for row, item in rows]
    stood = count_ranks(similarity, target)
    assert stood.compute_ranks("each").tolist() == [place for one in places for place in one]
    assert stood.list_query_indices("each").tolist() == [query for query in range(4) for _ in places[query]]
    for ties in ("expected", "average"):
        assert stood.compute_ranks(ties).tolist() == [np.mean(one) for one in places]


@given(
    arrays(np.float32, (4, 3), elements=st.integers(-2, 2)), TARGETS.map(lambda found: np.array(found) % 5)
)
def test_rows_are_ranked_as_their_products(queries, target):
    items = np.arange(15, dtype=np.float32).reshape(5, 3) % 4 - 1
    for ties in ("average", "argsort"):
        assert np.array_equal(
            compute_ranks_from_embeddings(queries, items, target, ties),
            compute_ranks(queries @ items.T, target, ties),
        )


def test_many_ties_in_wide_rows_are_all_counted():
    """Marks are added up eight bytes at a time, 255 words together: wide rows cross both limits."""
    for width in (1, 7, 8, 9, 2040, 2041, 4100, 70_000):
        stood = count_ranks(np.zeros((2, width), np.float32), [0, width - 1])
        assert stood.tied.tolist() == [width - 1] * 2
        assert stood.tied_later.tolist() == [width - 1, 0]
        row = np.ones((1, width), np.float32)
        row[0, 0] = 0
        assert compute_ranks(row, [0]).tolist() == [width - 1]


def test_chunks_change_nothing(monkeypatch):
    similarity = np.random.default_rng(0).integers(0, 9, (50, 40)).astype(float)
    want = compute_ranks(similarity, np.arange(50) % 40)
    monkeypatch.setattr(similarity_blocks, "CHUNK_ELEMENTS", 100)
    monkeypatch.setattr("retrieval.evaluation.rank_counts.CACHED_ELEMENTS", 64)
    assert np.array_equal(compute_ranks(similarity, np.arange(50) % 40), want)


@pytest.mark.parametrize("target", [[0], [0, 4], [0, -1], [0.0, 1.0], [[0, 1]]])
def test_ranks_refuse_targets_that_do_not_fit(target):
    with pytest.raises(ValueError):
        compute_ranks(np.zeros((2, 4)), target)


def test_ranks_refuse_an_unknown_rule():
    with pytest.raises(ValueError, match="known: expected, average, optimistic, pessimistic, argsort, each"):
        compute_ranks(np.zeros((1, 1)), [0], "random")


def test_ranks_of_msr_vtt_size_never_hold_the_matrix():
    """59,794 x 2,990 similarities would be 715 MB."""
    rng = np.random.default_rng(0)
    queries, items = (rng.standard_normal((n, 32), dtype=np.float32) for n in (59_794, 2990))
    tracemalloc.start()
    found = compute_ranks_from_embeddings(queries, items, np.arange(59_794) % 2990)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6
    assert found[:5].tolist() == compute_ranks(queries[:5] @ items.T, np.arange(5)).tolist()


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="rows must be"):
        InnerProductSimilarity(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError):
        compute_ranks(np.zeros(3), [0])

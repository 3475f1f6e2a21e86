import itertools
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retrieval.evaluation import (
    Estimate,
    InnerProductSimilarity,
    bootstrap_estimate,
    bootstrap_interval,
    compare_paired,
    compute_ranks,
    compute_ranks_from_embeddings,
    count_ranks,
    first_hit_reciprocal_ranks,
    geometric_mean_recall,
    mean_rank,
    median_rank,
    permutation_p_value,
    precision_at,
    recall_at,
    reciprocal_ranks,
    resampling,
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


def test_recall_median_and_mean_by_hand():
    found = [0, 4, 5, 100]
    assert [recall_at(found, k) for k in (1, 5, 10, 101)] == [25, 50, 75, 100]
    assert (median_rank(found), median_rank(found, "plain"), mean_rank(found)) == (5, 5.5, 28.25)


def test_average_ties_at_the_top_are_hits_but_not_for_ce():
    """Two share the first place: rank .5 is below 1, and not the 0 that CE's code asks for."""
    found = compute_ranks(np.array([[0.9, 0.9, 0.1]]), [0])
    assert found.tolist() == [0.5]
    assert (recall_at(found, 1), recall_at(found, 1, "exact")) == (100, 0)
    assert (recall_at(found, 5), recall_at(found, 5, "exact")) == (100, 100)
    with pytest.raises(ValueError, match="below, exact"):
        recall_at(found, 1, "above")


def test_geometric_mean_and_reciprocal_ranks_by_hand():
    found = [0, 4, 9, 100]
    assert geometric_mean_recall(found) == pytest.approx((25 * 50 * 75) ** (1 / 3))
    assert geometric_mean_recall([3]) == 0
    assert reciprocal_ranks(found).tolist() == [1, 1 / 5, 1 / 10, 1 / 101]
    marks = np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]], bool)
    assert first_hit_reciprocal_ranks(marks).tolist() == [1 / 2, 0, 1]


@pytest.mark.parametrize("measure", [mean_rank, median_rank, lambda found: recall_at(found, 1)])
def test_no_queries_and_no_ranks_are_errors(measure):
    for bad in ([], [NAN], [-1], [[0]]):
        with pytest.raises(ValueError):
            measure(bad)


def test_bad_cutoffs_and_rules():
    for k in (0, -1):
        with pytest.raises(ValueError):
            recall_at([0], k)
    for k in (1.5, None):
        with pytest.raises(TypeError):
            recall_at([0], k)
    with pytest.raises(ValueError, match="floor, plain"):
        median_rank([0], "ceil")


def test_precision_by_hand():
    relevance = np.array([[1, 0, 1, 1], [0, 0, 0, 1]], bool)
    assert precision_at(relevance, 2).tolist() == [0.5, 0]
    assert precision_at(relevance, 8).tolist() == [3 / 8, 1 / 8]
    for bad in (relevance[0], relevance.astype(int)):
        with pytest.raises(ValueError, match="bool"):
            precision_at(bad, 1)


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


def test_ranks_of_a_thousand_by_a_thousand_are_quick():
    similarity = np.random.default_rng(0).random((1000, 1000), dtype=np.float32)
    start = time.perf_counter()
    compute_ranks(similarity, np.arange(1000))
    assert time.perf_counter() - start < 1


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


def test_ranks_of_msr_vtt_size_take_seconds_and_never_hold_the_matrix():
    """59,794 x 2,990 similarities would be 715 MB."""
    rng = np.random.default_rng(0)
    queries, items = (rng.standard_normal((n, 32), dtype=np.float32) for n in (59_794, 2990))
    tracemalloc.start()
    start = time.perf_counter()
    found = compute_ranks_from_embeddings(queries, items, np.arange(59_794) % 2990)
    spent, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert spent < 20
    assert peak < 100e6
    assert found[:5].tolist() == compute_ranks(queries[:5] @ items.T, np.arange(5)).tolist()


def test_rows_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="rows must be"):
        InnerProductSimilarity(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError):
        compute_ranks(np.zeros(3), [0])

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from retrieval.evaluation import resampling, tables
from retrieval.metrics import bootstrap_interval, mean_rank, median_rank, precision_at, ranks, recall

NAN, INF = np.nan, np.inf
COARSE = st.sampled_from([NAN, -INF, -0.5, 0.0, 0.25, 1.0])


def rank_by_sorting(row, target, ties):
    """The rule spelt out: sort, missing last, and look where the target may stand."""
    key = [(2, 0) if np.isnan(value) else (1, -value) for value in row]
    places = [place for place, other in enumerate(sorted(key)) if other == key[target]]
    return {"optimistic": places[0], "pessimistic": places[-1], "average": np.mean(places)}[ties]


@pytest.mark.parametrize(
    ("ties", "first", "floor", "plain"),
    [("average", 0.0, 500, 500.5), ("optimistic", 100.0, 1, 1), ("pessimistic", 0.0, 1000, 1000)],
)
def test_constant_matrix(ties, first, floor, plain):
    """The protocol's golden: 1000 x 1000 equal similarities."""
    found = ranks(np.ones((1000, 1000), np.float32), np.arange(1000), ties)
    assert recall(found, 1) == first
    assert (median_rank(found, "floor"), median_rank(found, "plain")) == (floor, plain)


def test_ranks_by_hand():
    similarity = np.array([[0.9, 0.5, 0.5, 0.1], [0.2, NAN, -INF, 0.3], [NAN, NAN, 0.1, -INF]])
    assert ranks(similarity, [1, 2, 0], "optimistic").tolist() == [1, 2, 2]
    assert ranks(similarity, [1, 2, 0], "average").tolist() == [1.5, 2, 2.5]
    assert ranks(similarity, [1, 2, 0], "pessimistic").tolist() == [2, 2, 3]


@given(
    arrays(np.float32, (4, 6), elements=COARSE),
    st.lists(st.integers(0, 5), min_size=4, max_size=4),
    st.sampled_from(["average", "optimistic", "pessimistic"]),
)
def test_ranks_equal_sorting(similarity, target, ties):
    want = [rank_by_sorting(row, item, ties) for row, item in zip(similarity, target, strict=True)]
    assert ranks(similarity, target, ties).tolist() == want


@given(arrays(np.float64, (3, 5), elements=COARSE), st.permutations(range(5)))
def test_ranks_do_not_depend_on_the_order_of_the_gallery(similarity, order):
    moved = [order.index(item) for item in (0, 1, 2)]
    assert np.array_equal(ranks(similarity, [0, 1, 2]), ranks(similarity[:, order], moved))


def test_chunks_change_nothing(monkeypatch):
    similarity = np.random.default_rng(0).integers(0, 9, (50, 40)).astype(float)
    want = ranks(similarity, np.arange(50) % 40)
    monkeypatch.setattr(tables, "CHUNK", 100)
    monkeypatch.setattr("retrieval.evaluation.standing.CACHED", 64)
    assert np.array_equal(ranks(similarity, np.arange(50) % 40), want)


@pytest.mark.parametrize("target", [[0], [0, 4], [0, -1], [0.0, 1.0], [[0, 1]]])
def test_ranks_refuse_targets_that_do_not_fit(target):
    with pytest.raises(ValueError):
        ranks(np.zeros((2, 4)), target)


def test_ranks_refuse_an_unknown_rule():
    with pytest.raises(ValueError, match="known: average, optimistic, pessimistic, argsort, each"):
        ranks(np.zeros((1, 1)), [0], "random")


def test_recall_median_and_mean_by_hand():
    found = [0, 4, 5, 100]
    assert [recall(found, k) for k in (1, 5, 10, 101)] == [25, 50, 75, 100]
    assert (median_rank(found), median_rank(found, "plain"), mean_rank(found)) == (5, 5.5, 28.25)


@pytest.mark.parametrize("measure", [mean_rank, median_rank, lambda found: recall(found, 1)])
def test_no_queries_and_no_ranks_are_errors(measure):
    for bad in ([], [NAN], [-1], [[0]]):
        with pytest.raises(ValueError):
            measure(bad)


def test_bad_cutoffs_and_rules():
    for k in (0, -1):
        with pytest.raises(ValueError):
            recall([0], k)
    for k in (1.5, None):
        with pytest.raises(TypeError):
            recall([0], k)
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
    draw = resampling.resamples(6, groups, np.random.default_rng(0))
    for _ in range(20):
        times = np.bincount(next(draw), minlength=6)
        assert times[0] == times[2] == times[4]
        assert times[3] == times[5]
        assert times[0] + times[1] + times[3] == 3


def test_bootstrap_takes_any_statistic_and_paired_columns():
    found = np.array([0, 0, 9, 9])
    low, high = bootstrap_interval(found, lambda draw: recall(draw, 1), seed=0)
    assert 0 <= low < 50 < high <= 100
    pairs = np.stack([found, found], axis=1)
    assert bootstrap_interval(pairs, lambda draw: recall(draw[:, 0], 1) - recall(draw[:, 1], 1), seed=0) == (
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
    ranks(similarity, np.arange(1000))
    assert time.perf_counter() - start < 1

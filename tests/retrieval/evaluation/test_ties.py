"""Ties in expectation: recalls, ranks, precision, nDCG and MRR against random orders of the ties."""

import numpy as np
import pytest

from retrieval.evaluation import (
    PUBLISHED_PROTOCOLS,
    EvaluationProtocol,
    RankCounts,
    compute_expected_average_precisions,
    compute_expected_first_hit_reciprocal_ranks,
    compute_expected_ndcg,
    compute_expected_precision,
    count_ranks,
    evaluate,
    first_hit_reciprocal_ranks,
    ndcg,
    precision_at,
    rank_items,
)
from retrieval.evaluation.tied_metrics import compute_expected_median_rank

ORDERS = 1500


def evaluate_constant(item_count, ties):
    names = [str(item) for item in range(item_count)]
    protocol = EvaluationProtocol(ties=ties)
    return evaluate(np.ones((item_count, item_count)), names, names, protocol=protocol).t2v


@pytest.mark.parametrize(
    ("ties", "of_ten", "of_a_thousand"),
    [
        ("expected", (10, 50, 5), (0.1, 0.5, 500)),
        ("average", (0, 100, 5), (0, 0, 500)),
        ("argsort", (10, 50, 5), (0.1, 0.5, 500)),
        ("each", (10, 50, 5), (0.1, 0.5, 500)),
        ("optimistic", (100, 100, 1), (100, 100, 1)),
        ("pessimistic", (0, 0, 10), (0, 0, 1000)),
    ],
)
def test_a_constant_system(ties, of_ten, of_a_thousand):
    """The table of `rules`."""
    for count, wanted in ((10, of_ten), (1000, of_a_thousand)):
        result = evaluate_constant(count, ties)
        assert [result.compute_metric(name) for name in ("R@1", "R@5", "MdR")] == pytest.approx(wanted)


def test_chance_is_the_default_and_published_rules_keep_theirs():
    assert EvaluationProtocol().ties == "expected"
    assert evaluate(np.ones((10, 10)), list("abcdefghij"), list("abcdefghij")).t2v.compute_metric("R@5") == 50
    assert {name: protocol.ties for name, protocol in PUBLISHED_PROTOCOLS.items()} == {
        "jemc": "argsort", "vse++": "argsort", "ce": "average", "mmt": "average", "clip4clip": "each",
        "clip-vip": "each", "emotion-report": "each",
    }  # fmt: skip


def make_coarse_similarity(query_count, item_count, levels=4, seed=0):
    return np.random.default_rng(seed).integers(0, levels, (query_count, item_count)).astype(float)


def test_hits_ranks_and_mrr_are_means_over_random_orders():
    similarity, targets = make_coarse_similarity(6, 8), np.arange(6)
    counts = count_ranks(similarity, targets)
    rng = np.random.default_rng(1)
    ranks = np.stack([
        count_ranks(similarity + 0.5 * rng.random(similarity.shape), targets).compute_ranks()
        for _ in range(ORDERS)
    ])  # fmt: skip
    for k in (1, 2, 5, 8):
        assert counts.compute_hits(k) == pytest.approx((ranks < k).mean(axis=0), abs=0.04)
    assert counts.compute_ranks() == pytest.approx(ranks.mean(axis=0), abs=0.15)
    assert counts.compute_reciprocal_ranks() == pytest.approx((1 / (ranks + 1)).mean(axis=0), abs=0.03)


def test_median_rank_is_that_of_random_orders_of_many_queries():
    """A third each first, tied with nine others, and fourth: R@3 is 43 and R@4 80 %."""
    ahead, tied = np.repeat([0, 0, 3], 500), np.repeat([0, 9, 0], 500)
    counts = RankCounts(ahead=ahead, tied=tied, tied_later=tied // 2)
    assert counts.compute_hits(3).mean() < 0.5 < counts.compute_hits(4).mean()
    assert compute_expected_median_rank(counts) == 4
    rng = np.random.default_rng(0)
    assert {np.median(ahead + rng.integers(0, tied + 1)) for _ in range(20)} == {3}
    with pytest.raises(ValueError):
        compute_expected_median_rank(counts.select_queries(np.zeros(1500, bool)))


def test_median_rank_without_ties_is_that_of_the_ranks():
    rng = np.random.default_rng(0)
    for count in (7, 8):
        similarity, names = rng.random((count, count)), [str(item) for item in range(count)]
        for median in ("floor", "plain"):
            expected, average = (
                evaluate(
                    similarity, names, names, protocol=EvaluationProtocol(ties=ties, median=median)
                ).compute_metrics()
                for ties in ("expected", "average")
            )
            assert expected == pytest.approx(average)


def test_lists_are_means_over_random_orders():
    similarity = make_coarse_similarity(5, 9, levels=3, seed=2)
    similarity[0, 3:6], similarity[1] = np.nan, np.nan
    rng = np.random.default_rng(3)
    relevance = rng.random((5, 9)) < 0.3
    relevance[4] = False
    queries, items = rng.uniform(-1, 1, (5, 2)), rng.uniform(-1, 1, (9, 2))
    drawn = {"precision": [], "ndcg": [], "mrr": [], "average precision": []}
    for _ in range(ORDERS):
        filled = np.where(np.isnan(similarity), -9, similarity)
        order = rank_items(filled + 0.5 * rng.random(similarity.shape))
        hits = np.take_along_axis(relevance, order, axis=1)
        drawn["precision"].append(precision_at(hits, 4))
        drawn["mrr"].append(first_hit_reciprocal_ranks(hits))
        precisions = hits.cumsum(axis=1) / np.arange(1, 10)
        drawn["average precision"].append((precisions * hits).sum(axis=1) / np.maximum(hits.sum(axis=1), 1))
        drawn["ndcg"].append(ndcg(queries, items, order, 4))
    expected = {
        "precision": compute_expected_precision(similarity, relevance, 4),
        "mrr": compute_expected_first_hit_reciprocal_ranks(similarity, relevance),
        "average precision": compute_expected_average_precisions(similarity, relevance),
        "ndcg": compute_expected_ndcg(queries, items, similarity, 4),
    }
    for name, values in expected.items():
        assert values == pytest.approx(np.mean(drawn[name], axis=0), abs=0.025), name
    assert expected["mrr"][4] == expected["average precision"][4] == 0


def test_lists_without_ties_are_those_of_the_order():
    rng = np.random.default_rng(0)
    similarity, relevance = rng.random((6, 12)), rng.random((6, 12)) < 0.4
    queries, items = rng.uniform(-1, 1, (6, 2)), rng.uniform(-1, 1, (12, 2))
    order = rank_items(similarity)
    hits = np.take_along_axis(relevance, order, axis=1)
    assert compute_expected_precision(similarity, relevance, 15) == pytest.approx(precision_at(hits, 15))
    assert compute_expected_first_hit_reciprocal_ranks(similarity, relevance) == pytest.approx(
        first_hit_reciprocal_ranks(hits)
    )
    assert compute_expected_ndcg(queries, items, similarity, 5) == pytest.approx(
        ndcg(queries, items, order, 5)
    )


def test_lists_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        compute_expected_precision(np.zeros((2, 3)), np.zeros((2, 4), bool), 1)
    with pytest.raises(ValueError, match="do not fit"):
        compute_expected_ndcg(np.zeros((2, 2)), np.zeros((3, 2)), np.zeros((2, 4)), 1)
    with pytest.raises(ValueError):
        compute_expected_precision(np.zeros((2, 3)), np.zeros((2, 3), bool), 0)


def test_compared_rows_use_expected_hits():
    names = [str(item) for item in range(20)]
    tied, untied = np.ones((20, 20)), np.eye(20)
    first, second = (evaluate(matrix, names, names).t2v for matrix in (untied, tied))
    difference = first.compare_with(second, "R@5", seed=0, draws=200)
    assert difference.value == pytest.approx(75)
    assert (second.compute_hits(5) == 0.25).all()
    assert first.compare_with(second, "MdR", seed=0, draws=200).value == 1 - 10

"""Agreement with rated affect, and lists ranked by it."""

import numpy as np
import pytest

from retrieval.evaluation import (
    average_by_label,
    ccc,
    compute_affect_fit,
    first_hit_reciprocal_ranks,
    ndcg,
    pearson,
    precision_at,
    rank_items,
    rmse,
)


def test_ccc_goldens():
    """PROTOCOL's values; with the sample variance the first would be .9777."""
    assert ccc([3, -0.5, 2, 7], [2.5, 0, 2, 8]) == pytest.approx(0.9768, abs=5e-5)
    assert ccc([0.1, 0.3], [0.1, 0.2]) == pytest.approx(0.6667, abs=5e-5)


def test_agreement_is_by_dimension_and_constants_are_nan():
    truth = np.array([[0.0, 1.0, 0.1], [1.0, 0.0, 0.1], [0.5, 0.5, 0.1]])
    found = np.array([[0.0, 0.0, 0.1], [1.0, 1.0, 0.1], [0.5, 0.5, 0.1]])
    assert ccc(found, truth) == pytest.approx([1, -1, np.nan], nan_ok=True)
    assert pearson(found, truth) == pytest.approx([1, -1, np.nan], nan_ok=True)
    assert pearson([1, 2, 4], [2, 4, 8.5]) == pytest.approx(np.corrcoef([1, 2, 4], [2, 4, 8.5])[0, 1])
    assert rmse(found, truth) == pytest.approx([0, np.sqrt(2 / 3), 0])
    for bad in ([1.0], [[1.0], [2.0]], []):
        with pytest.raises(ValueError):
            ccc([1.0, 2.0], bad)


def test_same_emotion_precision_and_mrr_macro_and_micro():
    similarity = np.array([[0.9, 0.1, 0.5, np.nan], [0.2, 0.2, 0.8, 0.1], [0.9, 0.8, 0.1, 0.2]])
    assert rank_items(similarity).tolist() == [[0, 2, 1, 3], [2, 0, 1, 3], [0, 1, 3, 2]]
    items, queries = np.array(["joy", "fear", "joy", "fear"]), np.array(["joy", "joy", "fear"])
    same = items[rank_items(similarity)] == queries[:, None]
    assert precision_at(same, 2).tolist() == [1, 1, 0.5]
    assert first_hit_reciprocal_ranks(same).tolist() == [1, 1, 0.5]
    classes = average_by_label(precision_at(same, 2), queries)
    assert classes == {"fear": 0.5, "joy": 1}
    assert (np.mean(list(classes.values())), precision_at(same, 2).mean()) == (0.75, pytest.approx(5 / 6))


def test_graded_retrieval_by_hand():
    items = np.array([[0.0, 0.0], [0.3, 0.4], [0.6, 0.8]])  # .0, .5 and 1 from the query
    results = np.array([[2, 0, 1]])
    gain = [np.exp(-1), 1, np.exp(-0.5)]
    ideal = 1 + np.exp(-0.5) / np.log2(3)
    assert ndcg([[0, 0]], items, results, 2) == pytest.approx((gain[0] + gain[1] / np.log2(3)) / ideal)
    assert ndcg([[0, 0]], items, np.array([[0, 1, 2]]), 10) == pytest.approx(1)
    fit = compute_affect_fit([[0, 0]], items, results, 2)
    assert (fit.result_distance[0], fit.random_distance[0], fit.oracle_distance[0]) == pytest.approx(
        (0.5, 0.5, 0.25)
    )
    assert fit.relative_gain == pytest.approx(0)
    assert str(fit) == "V-A distance 0.500 (random 0.500, oracle 0.250)"
    for bad in (np.array([[0]]), np.array([0, 1])):
        with pytest.raises(ValueError):
            compute_affect_fit([[0, 0]], items, bad, 2)
    with pytest.raises(ValueError):
        ndcg([0, 0], items, results, 2)


def test_random_lists_lie_on_the_floor():
    rng = np.random.default_rng(0)
    queries, items = rng.uniform(-1, 1, (400, 2)), rng.uniform(-1, 1, (60, 2))
    shuffled = rng.permuted(np.tile(np.arange(60), (400, 1)), axis=1)
    assert compute_affect_fit(queries, items, shuffled, 10).relative_gain == pytest.approx(0, abs=0.03)
    nearest = rank_items(-np.linalg.norm(queries[:, None] - items, axis=2))
    assert compute_affect_fit(queries, items, nearest, 10).relative_gain == pytest.approx(1)

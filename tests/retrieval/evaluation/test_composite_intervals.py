"""Intervals of sums and geometric means of recalls."""

import numpy as np
import pytest

from retrieval.evaluation import (
    bootstrap_interval,
    compute_geometric_mean_interval,
    compute_proportion_interval,
    compute_sum_interval,
    evaluate,
)

VIDEOS = np.array([f"v{number}" for number in range(200)])
CAPTIONS = np.repeat(VIDEOS, 3)


def draw_hits(seed=0):
    """Hits at two depths of captions, and of videos as queries, which share how easy a video is."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=200)
    captions = np.repeat(ease, 3) + rng.normal(size=600)
    return [captions > 1.5, captions > 0, ease + rng.normal(size=200) > 0.5]


def test_a_sum_has_the_width_of_the_bootstrap():
    hits = draw_hits()
    low, high = compute_sum_interval(hits, [CAPTIONS, CAPTIONS, VIDEOS])
    rows = np.stack([*(part.reshape(200, 3).mean(axis=1) for part in hits[:2]), hits[2]], axis=1)
    expected = bootstrap_interval(rows, lambda drawn: drawn.mean(axis=0).sum(), seed=0)
    assert (low, high) == pytest.approx(expected, abs=0.02)


def test_a_geometric_mean_has_the_width_of_the_bootstrap():
    hits = draw_hits()[:2]
    rows = np.stack([part.reshape(200, 3).mean(axis=1) for part in hits], axis=1)
    expected = bootstrap_interval(rows, lambda drawn: np.sqrt(drawn.mean(axis=0).prod()), seed=0)
    assert compute_geometric_mean_interval(hits, [CAPTIONS, CAPTIONS]) == pytest.approx(expected, abs=0.02)


def test_all_hits_or_none_have_a_width():
    limit = compute_proportion_interval(np.zeros(34))[1]
    parts, names = [np.zeros(34)] * 3, [np.arange(34)] * 3
    assert compute_sum_interval(parts, names) == pytest.approx((0, 3 * limit))
    assert compute_geometric_mean_interval(parts, names) == pytest.approx((0, limit))
    assert compute_sum_interval([np.ones(34)] * 3, names) == pytest.approx((3 - 3 * limit, 3))
    low, high = compute_geometric_mean_interval([np.ones(34)] * 3, names)
    assert (low, high) == pytest.approx((1 - limit, 1))


def test_one_proportion_has_its_own_interval():
    hits = draw_hits()[0]
    expected = compute_proportion_interval(hits, CAPTIONS)
    assert compute_sum_interval([hits], [CAPTIONS]) == pytest.approx(expected)
    assert compute_geometric_mean_interval([hits], [CAPTIONS]) == pytest.approx(expected)


@pytest.mark.parametrize("ties", [0, 1])
def test_a_perfect_evaluation_is_not_certain(ties):
    """All 34 queries are hits: neither a recall nor what is made of recalls is known exactly."""
    names = [f"v{number}" for number in range(34)]
    similarity = np.eye(34) if not ties else np.maximum(np.eye(34), np.eye(34, k=1))
    found = evaluate(similarity, names, names)
    for name in ("R@1", "R@5", "R@10", "Geom"):
        low, high = found.t2v.compute_interval(name, seed=0)
        assert low < high - 3
        assert low < found.t2v.compute_metric(name) <= high
    low, high = found.compute_rsum_interval()
    assert low < found.rsum - 10 and found.rsum <= high <= 600

"""Coverage of intervals of proportions."""

import numpy as np
import pytest

from experiments.simulations.composite_intervals import draw_nested_hits
from experiments.simulations.intervals import draw_grouped_hits, find_worst_coverage
from retrieval.evaluation import bootstrap_interval


def test_hits_have_the_stated_rate_and_correlation():
    hits, videos = draw_grouped_hits(0.3, 4000, 0.5, np.random.default_rng(0))
    assert hits.mean() == pytest.approx(0.3, abs=0.02)
    sizes = np.bincount(videos)
    assert (sizes.min(), sizes.max()) == (5, 20)
    first = np.cumsum(sizes) - sizes
    assert np.corrcoef(hits[first], hits[first + 1])[0, 1] == pytest.approx(0.5, abs=0.05)


def test_a_small_recall_of_few_queries_is_covered_where_the_bootstrap_fails():
    """The bootstrap's interval is [0, 0] without a hit, which is .45 of the samples."""
    rng = np.random.default_rng(0)
    covered, trials = find_worst_coverage((0.023,), 1.0, 34, None, 400, rng)
    assert covered / trials > 0.93
    samples = [draw_grouped_hits(0.023, 34, None, rng)[0] for _ in range(100)]
    limits = [bootstrap_interval(sample, seed=0, draws=200) for sample in samples]
    assert np.mean([low <= 0.023 <= high for low, high in limits]) < 0.7


def test_nested_hits_have_the_stated_recalls():
    hits, groups = draw_nested_hits((0.1, 0.4), 3000, np.random.default_rng(0))
    assert [part.mean() for part in hits] == pytest.approx([0.1, 0.4, 0.1, 0.4], abs=0.03)
    assert all(part.shape == group.shape for part, group in zip(hits, groups, strict=True))
    assert (hits[1] >= hits[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("video_count", [34, 100])
@pytest.mark.parametrize("correlation", [None, 0.0, 0.8])
@pytest.mark.parametrize(("truths", "high"), [((0.01, 0.05), 1.0), ((0.1, 0.5), 0.97)])
def test_coverage(video_count, correlation, truths, high):
    covered, trials = find_worst_coverage(
        truths, high, video_count, correlation, 1000, np.random.default_rng(1)
    )
    error = 3 * np.sqrt(0.95 * 0.05 / trials)
    assert 0.93 - error < covered / trials < high + error

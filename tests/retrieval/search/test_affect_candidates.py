"""The best items by mood are those of a comparison with every segment, with and without bounds."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.search import affect_candidates
from retrieval.search.affect_candidates import select_best_items
from retrieval.search.mood_course import CourseTarget
from retrieval.search.mood_targets import PointTarget, RegionTarget

TARGETS = [
    PointTarget(point=(0.3, 0.2)),
    RegionTarget(centre=(0.3, 0.2), radius=0.25),
    CourseTarget(path=np.array([[-0.5, 0.0], [0.5, 0.0]])),
]


def make_snapshot(seed, count):
    """Segments of items of one to four segments, a fifth of them without affect."""
    rng = np.random.default_rng(seed)
    affect = np.concatenate([rng.uniform(-1, 1, (count, 2)), rng.uniform(0.1, 0.6, (count, 2))], axis=1)
    affect[rng.random(count) < 0.2] = np.nan
    items = np.repeat(np.arange(count), rng.integers(1, 5, count))[:count]
    return SimpleNamespace(item_by_segment=items, select_affect=affect.__getitem__)


def select_by_comparison(target, snapshot, segments, k):
    scores = target.score(snapshot, segments)
    best_of_item = {}
    for item, score in zip(snapshot.item_by_segment[segments], scores, strict=True):
        if not np.isnan(score):
            best_of_item[item] = max(score, best_of_item.get(item, 0))
    least = sorted(best_of_item.values(), reverse=True)[k - 1] if len(best_of_item) >= k else -1
    return segments[scores >= least].tolist()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: type(target).__name__)
@given(seed=st.integers(0, 1000), count=st.integers(1, 80), k=st.integers(1, 30), bounded=st.integers(0, 20))
def test_bounds_cost_no_item(target, seed, count, k, bounded):
    snapshot = make_snapshot(seed, count)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(affect_candidates, "MIN_BOUNDED_SEGMENTS", bounded)
        found = select_best_items(target, snapshot, np.arange(count), k)
    assert found.tolist() == select_by_comparison(target, snapshot, np.arange(count), k)

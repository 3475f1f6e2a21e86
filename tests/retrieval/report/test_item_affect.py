"""The affect of items is the weighted mean of their segments', however many these are."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retrieval.features import compute_duration_weights
from retrieval.report.va_map import compute_item_affect
from spaces.affect_regression import average_estimates


@given(counts=st.lists(st.integers(1, 4), max_size=12), seed=st.integers(0, 1000))
def test_it_is_the_mean_of_each_item(counts, seed):
    rng = np.random.default_rng(seed)
    item_by_segment = np.repeat(np.arange(len(counts)), counts)
    segment_count = len(item_by_segment)
    affect = rng.uniform(0.1, 1, (segment_count, 4)).astype(np.float32)
    affect[rng.random(segment_count) < 0.3] = np.nan
    affect[rng.random(segment_count) < 0.2, 1] = np.nan  # missing in part is missing
    starts = rng.uniform(0, 9, segment_count)
    spans = np.stack([starts, starts + rng.uniform(0, 20, segment_count)], axis=1)
    spans[rng.random(segment_count) < 0.3] = np.nan
    is_shown = rng.random(len(counts)) < 0.8
    snapshot = SimpleNamespace(is_shown=is_shown, item_by_segment=item_by_segment, affect=affect, spans=spans)
    weights = compute_duration_weights(spans)
    expected = np.full((len(counts), 4), np.nan, np.float32)
    for item in np.flatnonzero(is_shown):
        own = item_by_segment == item
        expected[item] = average_estimates(affect[own], weights[own])
    np.testing.assert_array_equal(compute_item_affect(snapshot), expected)

"""Three merges agree."""

import numpy as np

from experiments.benchmarks.merge import merge_by_heap, merge_by_loop, merge_closed_form


def test_merges_agree_on_ties_and_short_lists():
    lists = [np.array([0.0, 0.5, 0.5]), np.array([0.5]), np.array([])]
    for c in (1.0, 1.1):
        assert merge_by_loop(lists, 9, c) == merge_by_heap(lists, 9, c) == merge_closed_form(lists, 9, c)

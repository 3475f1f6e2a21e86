"""Type I error of tests that exchange whole groups of 3 to 40 rows."""

import numpy as np
import pytest

from experiments.simulations.grouped_series import draw_groups, draw_series
from experiments.simulations.permutation import compute_map_p, compute_protest_p, count_rejections


def test_series_have_the_stated_variance_and_correlations():
    rng = np.random.default_rng(0)
    groups = draw_groups(rng, 3000, 3, 40)
    assert set(np.bincount(groups)) == set(range(3, 41))
    rows = draw_series(rng, groups, autocorrelation=0.8, group_share=0.5, width=1)[:, 0]
    assert rows.var() == pytest.approx(1, abs=0.05)
    is_pair = groups[1:] == groups[:-1]
    assert np.corrcoef(rows[1:][is_pair], rows[:-1][is_pair])[0, 1] == pytest.approx(0.9, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("group_count", [8, 30])
@pytest.mark.parametrize(("autocorrelation", "group_share"), [(0, 0), (0.8, 0), (0, 0.8), (0.8, 0.8)])
def test_type_one_error_of_protest(group_count, autocorrelation, group_share):
    """The rolled rows of before rejected .16 to .55 at level .05."""
    rejections, trials = count_rejections(
        compute_protest_p, group_count, autocorrelation, group_share, 500, np.random.default_rng(0)
    )
    error = 3 * np.sqrt(0.05 * 0.95 / trials)  # of the simulation itself
    assert 0.03 - error < rejections / trials < 0.07 + error


@pytest.mark.slow
def test_type_one_error_of_a_map():
    rejections, trials = count_rejections(compute_map_p, 12, 0.8, 0.4, 300, np.random.default_rng(0))
    assert rejections / trials < 0.07 + 3 * np.sqrt(0.05 * 0.95 / trials)

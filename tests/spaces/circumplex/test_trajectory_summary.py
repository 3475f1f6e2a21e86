import numpy as np
import pytest

from spaces.circumplex import (
    summarise_trajectory,
)


def test_trajectory():
    seconds = np.arange(7) * 10.0
    points = np.stack([seconds / 60, np.full(7, 0.1)], axis=1)
    points[3, 1] = 0.9
    points = np.vstack([[[np.nan, np.nan]], points, [[np.nan, 0]]])
    found = summarise_trajectory(points, np.concatenate([[-5.0], seconds, [70.0]]))
    assert found.start == (0, 0.1)
    assert found.end == pytest.approx((1, 0.1))
    assert found.peak == pytest.approx((0.5, 0.9))
    assert found.peak_seconds == 30
    assert found.mean == pytest.approx((0.5, 0.1 + 0.8 / 7))
    assert found.slope == pytest.approx((1, 0))


def test_trajectories_of_one_point_and_of_none():
    one = summarise_trajectory([[0.2, 0.3]], [4])
    assert one.start == one.end == one.mean == one.peak == (0.2, 0.3)
    assert np.isnan(one.slope).all()
    assert summarise_trajectory([[np.nan, np.nan]], [0]) is None
    assert summarise_trajectory(np.empty((0, 2)), []) is None
    with pytest.raises(ValueError, match="do not fit"):
        summarise_trajectory([[0, 0]], [0, 1])

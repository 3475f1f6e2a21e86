import subprocess
import sys

import numpy as np
import pytest

from spaces.circumplex import (
    LANDMARKS,
    PRIOR_MEAN,
    PRIOR_SD,
    QUADRANTS,
    RATING_SCALES,
    affinity,
    compute_prior_affinity,
    compute_reliability,
    distance,
    find_quadrants,
    is_uncertain,
    rescale,
    unscale,
)


def test_import_is_light():
    code = "import spaces.circumplex, sys; print(sorted({'torch', 'scipy', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.parametrize("scale", RATING_SCALES)
def test_scales_there_and_back(scale):
    low, high = RATING_SCALES[scale]
    ratings = np.array([[low, high], [(low + high) / 2, np.nan]])
    points = rescale(ratings, low, high)
    assert points[0].tolist() == [-1, 1]
    assert points[1, 0] == 0
    assert np.isnan(points[1, 1])
    np.testing.assert_allclose(unscale(points, low, high), ratings)


def test_a_scale_that_falls_is_refused():
    with pytest.raises(ValueError, match="goes up"):
        rescale([1], 5, 1)
    with pytest.raises(ValueError, match="goes up"):
        unscale([1], 5, 5)


def test_distance_broadcasts_and_ignores_sds():
    far = distance(np.array([[0, 0, 9, 9], [0.3, 0.4, 9, 9]])[:, None], np.array([[0, 0], [np.nan, 0]]))
    np.testing.assert_allclose(far, [[0, np.nan], [0.5, np.nan]])


def test_affinity_of_sure_points_is_exp_of_squared_distance():
    points = np.array([[0.5, 0.5], [0.5, 0.0], [np.nan, np.nan]])
    np.testing.assert_allclose(affinity(points, (0.5, 0.5)), [1, np.exp(-0.25), np.nan])
    np.testing.assert_allclose(affinity(points, (0.5, 0.5), np.zeros((3, 2))), [1, np.exp(-0.25), np.nan])


def test_affinity_is_the_mean_over_what_estimate_and_prior_leave_possible():
    rows = np.array([[0.5, 0.2, 0.3, 0.2], [-0.4, 0.9, 0.6, 0.1]])
    rng, target = np.random.default_rng(0), (0.3, -0.2)
    truth = rng.normal(PRIOR_MEAN, PRIOR_SD, (400_000, 2))
    for row, expected in zip(rows, affinity(rows, target), strict=True):
        likelihood = np.exp(-(((truth - row[:2]) / row[2:]) ** 2).sum(axis=1) / 2)
        found = np.average(np.exp(-(distance(truth, target) ** 2)), weights=likelihood)
        assert found == pytest.approx(expected, abs=0.01)


def test_an_unsure_point_is_neither_match_nor_miss():
    target = (0.6, 0.4)
    sure_near, unsure, unsure_far, sure_far = affinity(
        [[0.5, 0.4, 0.05, 0.05], [0.6, 0.4, 0.6, 0.6], [-0.6, -0.6, 0.6, 0.6], [-0.6, -0.6, 0.05, 0.05]],
        target,
    )
    assert sure_near > unsure > unsure_far > sure_far


def test_what_nobody_knows_has_the_affinity_of_the_prior():
    target = np.array([0.5, -0.2])
    drawn = np.random.default_rng(0).normal(PRIOR_MEAN, PRIOR_SD, (100_000, 2))
    found = affinity([[0.5, -0.2], [-1, 1]], target, np.full((2, 2), 1e9))
    np.testing.assert_allclose(found, np.exp(-(distance(drawn, target) ** 2)).mean(), atol=0.003)


def test_reliability_is_half_where_the_point_knows_as_little_as_the_prior():
    np.testing.assert_allclose(compute_reliability([PRIOR_SD, (0, 0), (np.inf, np.inf)]), [0.5, 1, 0])


@pytest.mark.parametrize("target", [(0.1,), (np.nan, 0), (0, 0, 0)])
def test_affinity_refuses_what_is_no_point(target):
    with pytest.raises(ValueError, match="target"):
        affinity(np.zeros((1, 2)), target)


def test_quadrants():
    points = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5], [0, 0], [np.nan, 0]])
    assert find_quadrants(points).tolist() == [*QUADRANTS, QUADRANTS[0], ""]
    for word, name in {"happy": 0, "angry": 1, "bored": 2, "calm": 3}.items():
        assert find_quadrants(np.array(LANDMARKS[word])).tolist() == [QUADRANTS[name]]


def test_an_estimate_no_surer_than_the_prior_knows_little():
    valence_sd, arousal_sd = PRIOR_SD
    rows = [[0, 0, valence_sd + 0.01, arousal_sd], [0.5, 0, 0.5, 0.36], [0.5, 0, 0.36, 0.23], [np.nan] * 4]
    assert is_uncertain(rows).tolist() == [True, True, False, False]


def test_what_nothing_is_known_of_has_the_prior_affinity():
    target = (-0.6, 0.3)
    unknown = affinity([[0.9, -0.9, 1e6, 1e6]], target)
    assert unknown[0] == pytest.approx(compute_prior_affinity(target), abs=1e-9)
    drawn = np.clip(np.random.default_rng(0).normal(0, 1, (20000, 2)) * (0.4, 0.35), -1, 1)
    assert affinity(drawn, target).mean() == pytest.approx(compute_prior_affinity(target), abs=0.01)

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
from point_clouds import cloud, turn

from spaces.alignment import (
    fit_generalised_procrustes,
)


def test_several_senses_meet_in_one():
    x = cloud()
    clouds = [x, 2 * x @ turn(40) + 1, 0.5 * x[:, ::-1] - [3, 0]]
    found = fit_generalised_procrustes(clouds)
    assert found.disparity < 1e-10
    assert [one.notes["reflection"] for one in found.maps].count(True) in (1, 2)
    for one, points in zip(found.maps, clouds, strict=True):
        assert np.allclose(one.transform(points), found.consensus, atol=1e-5)
        assert np.allclose(one.inverse_transform(one.transform(points)), points)
    assert np.allclose(found.compose_map(1, 2).transform(clouds[1]), clouds[2], atol=1e-5)


def test_two_senses_are_procrustes():
    """With two clouds the consensus is half-way: its disparity follows from scipy's M^2."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
    m2 = scipy.spatial.procrustes(x, y)[2]
    # unit clouds with inner product c = sqrt(1 - M^2): scatter about their mean is (1 - c) / 2 of all
    assert fit_generalised_procrustes([x, y]).disparity == pytest.approx((1 - np.sqrt(1 - m2)) / 2, rel=1e-6)


def test_generalised_is_a_minimum():
    rng = np.random.default_rng(1)
    clouds = [cloud() @ turn(a) + 0.1 * rng.normal(size=(80, 2)) for a in (0, 70, 200)]
    found = fit_generalised_procrustes(clouds, allow_reflection=False)
    placed = np.stack([one.transform(points) for one, points in zip(found.maps, clouds, strict=True)])
    least = ((placed - placed.mean(0)) ** 2).sum()
    for degrees in (-2, 2):
        moved = placed.copy()
        moved[1] = moved[1] @ turn(degrees)
        assert ((moved - moved.mean(0)) ** 2).sum() > least


def test_generalised_leaves_out_what_is_not_whole():
    clouds = [cloud(), cloud() @ turn(30)]
    holed = [clouds[0].copy(), clouds[1].copy()]
    holed[0][4], holed[1][9] = np.nan, np.nan
    assert len(fit_generalised_procrustes(holed).consensus) == 78
    for bad in ([clouds[0]], [clouds[0], clouds[1][:5]], [clouds[0], np.ones_like(clouds[0])]):
        with pytest.raises(ValueError, match=r"two or more|does not vary"):
            fit_generalised_procrustes(bad)

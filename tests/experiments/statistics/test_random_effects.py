"""The variance between studies, where it is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.statistics.random_effects import estimate_between_variance


def test_the_published_formula_by_hand():
    effects, variances = np.array([0.1, 0.5, -0.2]), np.array([0.01, 0.04, 0.02])
    weights = 1 / variances  # 100, 25, 50
    mean = (10 + 12.5 - 10) / 175
    heterogeneity = 100 * (0.1 - mean) ** 2 + 25 * (0.5 - mean) ** 2 + 50 * (-0.2 - mean) ** 2
    scale = 175 - (weights**2).sum() / 175
    assert estimate_between_variance(effects, variances) == pytest.approx((heterogeneity - 2) / scale)


@pytest.mark.parametrize("between_sd", [0.0, 0.15, 0.5])
def test_the_mean_over_simulations_is_the_truth(between_sd):
    rng = np.random.default_rng(0)
    error_sds = np.array([0.01, 0.03, 0.04, 0.07])
    drawn = rng.normal(0, between_sd, (4000, 4)) + rng.normal(0, error_sds, (4000, 4))
    found = np.array([estimate_between_variance(effects, error_sds**2) for effects in drawn])
    assert found.mean() == pytest.approx(between_sd**2, rel=0.05, abs=3e-4)
    assert (found >= 0).all()


@given(shift=st.floats(-1, 1), scale=st.floats(0.1, 10))
def test_a_shift_changes_nothing_and_a_scale_its_square(shift, scale):
    effects, variances = np.array([0.3, -0.4, 0.1]), np.array([0.01, 0.02, 0.03])
    expected = estimate_between_variance(effects, variances)
    assert estimate_between_variance(effects + shift, variances) == pytest.approx(expected)
    scaled = estimate_between_variance(effects * scale, variances * scale**2)
    assert scaled == pytest.approx(expected * scale**2)


@pytest.mark.parametrize(("effects", "variances"), [([1], [1]), ([1, 2], [1]), ([1, 2], [1, 0])])
def test_what_has_no_variance_between(effects, variances):
    with pytest.raises(ValueError, match="variance"):
        estimate_between_variance(effects, variances)

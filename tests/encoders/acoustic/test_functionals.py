"""Functionals against numpy and scipy."""

import numpy as np
import pytest
import scipy.stats

from encoders.acoustic.functionals import compute_quantiles, compute_skewness, summarise_present


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(37, 3))


def test_quantiles_are_those_of_numpy(values):
    for part in (values, values[:1], values[:, 0]):
        expected = np.quantile(part, (0.05, 0.5, 0.98), axis=0)
        assert compute_quantiles(part, (0.05, 0.5, 0.98)) == pytest.approx(expected)


def test_skewness_is_that_of_scipy(values):
    assert compute_skewness(np.exp(values)) == pytest.approx(scipy.stats.skew(np.exp(values)))


def test_rows_with_nan_are_left_out_of_a_summary(values):
    with_nan = values.astype(np.float32)
    with_nan[[2, 5], 1] = np.nan
    expected = np.delete(values, [2, 5], axis=0).mean(axis=0)
    assert summarise_present(with_nan)[:3] == pytest.approx(expected, abs=1e-6)
    assert summarise_present(with_nan[[2]]).tolist() == [0] * 15

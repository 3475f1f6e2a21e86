"""Calibration with few matching pairs: what is told respects the evidence and the prior."""

import numpy as np
import pytest
from scipy.stats import norm

from fusion import Calibration, fit_calibration
from fusion.platt_scaling import fit_logistic


def fit_separated(matches, *, prior, distance=6.0, background=2000):
    """Background and matches on normal quantiles, so that nothing is left to chance."""
    noise = norm.ppf((np.arange(background) + 0.5) / background)
    spread = norm.ppf((np.arange(matches) + 0.5) / matches)
    return fit_calibration(noise, distance + spread, prior)


@pytest.mark.parametrize(("matches", "least", "most"), [(3, 0.9, 0.98), (20, 0.97, 0.999), (1000, 0.99, 1)])
def test_separated_matches_are_told_by_how_many_they_are(matches, least, most):
    """Platt's targets told them .31, .70 and .99."""
    told = fit_separated(matches, prior=0.1).to_probabilities(6.0)
    assert least < told < most


def test_more_evidence_tells_more():
    by_count = [fit_separated(m, prior=0.1).to_probabilities(6.0) for m in (3, 5, 10, 20, 100)]
    by_distance = [fit_separated(3, prior=0.1, distance=d).to_probabilities(d) for d in (3.0, 6.0, 12.0)]
    by_prior = [fit_separated(3, prior=p).to_probabilities(6.0) for p in (0.01, 0.1, 0.5)]
    for told in (by_count, by_distance, by_prior):
        assert (np.diff(told) > 0).all()


def test_the_prior_is_respected_exactly():
    """Odds are those at even odds times the prior odds."""
    even, rare = (fit_separated(5, prior=p).to_probabilities(4.0) for p in (0.5, 0.01))
    assert rare / (1 - rare) == pytest.approx(even / (1 - even) / 99)


def test_the_sizes_of_the_groups_weigh_by_their_harmonic_mean():
    """12 and 12 pairs tell as much as 8 and 24 at the same values."""
    positives, negatives = np.array([2.0, 4.0]), np.array([-1.0, 0.0, 1.0])
    even = fit_logistic(np.tile(negatives, 4), np.tile(positives, 6))
    assert fit_logistic(np.tile(negatives, 8), np.tile(positives, 4)) == pytest.approx(even)


def test_many_matches_have_the_maximum_likelihood_line():
    rng = np.random.default_rng(0)
    fitted = fit_calibration(rng.normal(size=20_000), rng.normal(2, 1, 20_000), 0.1)
    assert fitted.slope == pytest.approx(2, abs=0.06)
    assert fitted.midpoint == pytest.approx(1 + np.log(9) / 2, abs=0.06)


@pytest.mark.parametrize("matches", [3, 20])
@pytest.mark.parametrize("distance", [1.0, 2.0, 4.0])
def test_the_error_against_the_true_posterior(matches, distance):
    """Mean of |told - true| over pairs at a prior of .1, less than half of Platt's where matches lie far."""
    rng, z = np.random.default_rng(1), np.linspace(-8, 14, 2201)
    density = 0.1 * norm.pdf(z, distance), 0.9 * norm.pdf(z)
    true, mixture = density[0] / sum(density), sum(density)
    errors = []
    for _ in range(30):
        fitted = fit_calibration(rng.normal(size=500), rng.normal(distance, 1, matches), 0.1)
        errors.append((mixture * abs(fitted.to_probabilities(z) - true)).sum() * (z[1] - z[0]))
    assert np.mean(errors) < {3: 0.055, 20: 0.02}[matches]


def test_a_score_that_rises_never_lowers_what_is_told():
    rng = np.random.default_rng(2)
    for _ in range(50):
        matching = rng.normal(0.3, 1, 3)
        if matching.mean() <= 0.01:
            continue
        fitted = fit_calibration(rng.normal(size=50), matching + 0.01, 0.01)
        assert isinstance(fitted, Calibration) and fitted.slope > 0

import numpy as np
import pytest

from experiments.statistics.reliability_curve import BINS, compute_reliability


def test_true_chances_have_no_calibration_error():
    rng = np.random.default_rng(0)
    scores = rng.uniform(size=200_000)
    is_match = rng.uniform(size=len(scores)) < scores
    curve = compute_reliability(scores, is_match, prior=is_match.mean())
    assert curve.expected_calibration_error < 0.01
    np.testing.assert_allclose(curve.weights, 1 / BINS, atol=0.01)
    np.testing.assert_allclose(curve.match_shares, curve.mean_scores, atol=0.02)


def test_pairs_are_weighted_to_the_prior():
    scores = np.array([0.95, 0.95, 0.05, 0.05])
    is_match = np.array([True, False, False, False])
    curve = compute_reliability(scores, is_match, prior=0.1)
    assert curve.weights[-1] == pytest.approx(0.1 + 0.3)  # the match, and a third of the others
    assert curve.match_shares[-1] == pytest.approx(0.1 / 0.4)
    assert np.isnan(curve.mean_scores[1:-1]).all()
    assert curve.expected_calibration_error == pytest.approx(0.4 * (0.95 - 0.25) + 0.6 * 0.05)


@pytest.mark.parametrize(
    ("scores", "is_match", "message"),
    [([0.5, 0.5], [True, True], "pairs that match"), ([0.5, 1.5], [True, False], r"\[0, 1\]")],
)
def test_what_cannot_be_calibrated_is_refused(scores, is_match, message):
    with pytest.raises(ValueError, match=message):
        compute_reliability(np.array(scores), np.array(is_match), prior=0.1)

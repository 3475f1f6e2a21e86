import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from experiments.heads.classification import balanced_accuracy, expected_calibration_error, fit_temperature


def test_the_library_has_the_bits_of_the_formula_the_weights_were_trained_with():
    logits = np.random.default_rng(0).normal(0, 20, (500, 8))
    raised = logits - logits.max(axis=1, keepdims=True)
    assert (log_softmax(logits, axis=1) == raised - np.log(np.exp(raised).sum(axis=1, keepdims=True))).all()
    assert (softmax(logits, axis=1) == np.exp(raised) / np.exp(raised).sum(axis=1, keepdims=True)).all()


def test_temperature_undoes_what_logits_were_multiplied_by():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    drawn = (np.exp(log_softmax(logits, axis=1)).cumsum(axis=1) < rng.random((4000, 1))).sum(axis=1)
    goals = np.eye(3)[drawn]
    assert fit_temperature(3 * logits, goals) == pytest.approx(3, rel=0.1)


def test_calibration_error_and_balanced_accuracy_by_hand():
    pairs = np.array([[0.95, 1], [0.95, 0], [0.55, 1], [0.55, 0]])
    assert expected_calibration_error(pairs) == pytest.approx((0.45 + 0.05) / 2)
    assert balanced_accuracy(np.array([[0, 0], [0, 0], [0, 0], [0, 1]])) == 0.5

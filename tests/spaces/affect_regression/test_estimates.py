"""Estimates of affect: bounds, order, and faces that are not sure."""

import numpy as np
import pytest
from mood_library import face

from spaces.affect_regression import estimate_face_affect, predict_mean_and_sd, soft_clip


def test_unsure_faces_say_little():
    sure, unsure = (estimate_face_affect(face("angry", confidence))[0] for confidence in (1.0, 0.2))
    assert unsure[:2] == pytest.approx(sure[:2])
    assert unsure[2:] == pytest.approx(sure[2:] / np.sqrt(0.2), rel=1e-3)
    assert np.isnan(estimate_face_affect(face("angry", 0.05))).all()


def test_the_bound_is_smooth_and_keeps_the_order():
    values = np.linspace(-1.5, 1.5, 601)
    bounded = soft_clip(values)
    inside = np.abs(values) <= 0.5
    assert np.array_equal(bounded[inside], values[inside])
    assert (np.abs(bounded) < 1).all() and (np.diff(bounded) > 0).all()  # a clip makes all beyond 1 alike
    slopes = np.diff(bounded) / np.diff(values)
    assert np.abs(np.diff(slopes)).max() < 0.02  # no corner anywhere
    assert np.array_equal(bounded, -soft_clip(-values))
    assert (
        np.isnan(soft_clip([np.nan, 0])).tolist() == [True, False] and (soft_clip([-99, 99]) == [-1, 1]).all()
    )


def test_estimates_beyond_the_edge_keep_their_order():
    means = np.array([[0.3, -0.2], [1.1, -1.3], [1.4, -1.6], [np.nan, np.nan]], np.float32)
    rows = predict_mean_and_sd(lambda features: means, lambda features: np.full((4, 2), -1.0, np.float32), {})
    assert rows[0, :2] == pytest.approx([0.3, -0.2])
    assert 0.9 < rows[1, 0] < rows[2, 0] < 1 and -0.9 > rows[1, 1] > rows[2, 1] > -1
    assert np.isnan(rows[3, :2]).all()

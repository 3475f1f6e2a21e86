"""Estimates of affect: bounds, order, and faces that are not sure."""

import numpy as np
import pytest
from mood_library import face

from spaces.affect_regression import (
    estimate_face_affect,
    load_packaged_regressors,
    predict_mean_and_sd,
    soft_clip,
    widen_sds,
)


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


def test_an_error_of_its_own_widens_the_sds_and_moves_nothing():
    rows = np.array([[0.1, -0.2, 0.3, 0.4], [np.nan] * 4], np.float32)
    wider = widen_sds(rows, (0.4, 0.0))
    assert wider.dtype == np.float32 and np.isnan(wider[1]).all()
    assert wider[0] == pytest.approx([0.1, -0.2, 0.5, 0.4])


def draw_rows(rng, reader):
    """400 rows, ten times as far apart as the training rows of an input, before its signed power."""
    rows = reader.mean + 10 * reader.scale * rng.normal(size=(400, len(reader.mean)))
    return (np.sign(rows) * np.abs(rows) ** (1 / reader.power)).astype(np.float32)


@pytest.mark.parametrize(
    ("modality", "mean", "log_sd"),
    [("image", "mean", "log_sd"), ("text", "mean", "log_sd"), ("sound", "music", "music_log_sd"),
],
)  # fmt: skip
def test_no_head_piles_its_estimates_up_at_an_end(modality, mean, log_sd):
    """Of rows that vary ten times as much as those it was trained on, a clip would cut some.

    Estimates of voices and faces are means of points of the plane.
    """
    regressors = load_packaged_regressors()[modality]
    rng, features = np.random.default_rng(0), {}
    for tower in (*regressors[mean].towers, *regressors[log_sd].towers):
        for role, reader in tower.inputs.items():
            features[role] = draw_rows(rng, reader)
    estimates = predict_mean_and_sd(regressors[mean], regressors[log_sd], features)[:, :2]
    unbounded = regressors[mean](features)
    assert np.abs(unbounded).max() > 1  # a clip would cut
    assert np.abs(estimates).max() < 1
    for column, bounded in zip(unbounded.T, estimates.T, strict=True):
        assert len(np.unique(bounded)) == len(np.unique(column))

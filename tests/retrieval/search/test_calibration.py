"""Calibration of a view on the library's own rows."""

import numpy as np
import pytest

from encoders.base import unit_rows
from retrieval.search.calibration import fit_library_calibration

DIM = 64


def make_rows(count, gap, seed):
    """Unit rows scattered about a direction of length `gap`."""
    centre = np.eye(DIM, dtype=np.float32)[0] * gap
    return unit_rows(centre + 0.3 * np.random.default_rng(seed).normal(size=(count, DIM)).astype(np.float32))


@pytest.mark.parametrize("gap", [-2.0, 2.0])
@pytest.mark.parametrize("count", [1, 5, 40])
def test_a_constant_distance_of_words_and_media_is_no_match_and_no_miss(count, gap):
    media, sentences = make_rows(count, gap, seed=1), make_rows(40, 2.0, seed=2)
    calibration = fit_library_calibration(media, np.arange(count), lambda: sentences)
    others = make_rows(200, 2.0, seed=3) @ media.T
    assert abs(calibration.to_z_scores(others).mean()) < 1
    assert (calibration.to_probabilities(others) > 0.5).mean() < 0.02

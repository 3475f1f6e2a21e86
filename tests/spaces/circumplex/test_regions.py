"""The probability of a disc against the plane summed cell by cell, and what it must keep to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.circumplex import bound_disc_probability, compute_disc_probability, nudge_point

coordinate, sd = st.floats(-1, 1), st.floats(0.05, 0.6)


def sum_cells(row, centre, radius, cells=1501):
    """The mass of the cells of a grid whose middle lies in the disc."""
    axes = [
        np.linspace(mean - 5 * spread, mean + 5 * spread, cells)
        for mean, spread in zip(row[:2], row[2:], strict=True)
    ]
    masses = [
        np.exp(-(((axis - mean) / spread) ** 2) / 2)
        for axis, mean, spread in zip(axes, row[:2], row[2:], strict=True)
    ]
    inside = np.hypot(axes[0][:, None] - centre[0], axes[1] - centre[1]) <= radius
    return masses[0] @ inside @ masses[1] / (masses[0].sum() * masses[1].sum())


@given(coordinate, coordinate, sd, sd, coordinate, coordinate, st.floats(0.05, 2))
def test_it_is_the_mass_within_the_disc(valence, arousal, valence_sd, arousal_sd, x, y, radius):
    row = (valence, arousal, valence_sd, arousal_sd)
    found = compute_disc_probability([row], (x, y), radius)[0]
    assert found == pytest.approx(sum_cells(row, (x, y), radius), abs=0.01)


@given(coordinate, coordinate, sd, sd, coordinate, coordinate, st.floats(0.05, 2))
def test_the_bound_is_no_less(valence, arousal, valence_sd, arousal_sd, x, y, radius):
    rows = [(valence, arousal, valence_sd, arousal_sd), (np.nan,) * 4]
    bound, missing = bound_disc_probability(rows, (x, y), radius)
    assert compute_disc_probability(rows, (x, y), radius)[0] <= bound <= 1 and np.isnan(missing)


def test_a_sure_estimate_is_in_or_out_and_a_missing_one_unknown():
    rows = [(0.5, 0.5, 0.02, 0.02), (-0.5, 0.5, 0.02, 0.02), (np.nan,) * 4]
    found = compute_disc_probability(rows, (0.5, 0.4), 0.3)
    assert found[:2] == pytest.approx([1, 0], abs=1e-4) and np.isnan(found[2])


def test_the_surer_of_two_within_is_the_likelier_and_of_two_outside_the_less_likely():
    inside = compute_disc_probability([(0, 0, 0.1, 0.1), (0, 0, 0.4, 0.4)], (0, 0), 0.3)
    outside = compute_disc_probability([(0.8, 0, 0.1, 0.1), (0.8, 0, 0.4, 0.4)], (0, 0), 0.3)
    assert inside[0] > inside[1] and outside[0] < outside[1]


@pytest.mark.parametrize("radius", [0, -1, float("nan")])
def test_a_radius_is_above_nought(radius):
    with pytest.raises(ValueError, match="above 0"):
        compute_disc_probability(np.zeros((1, 4)), (0, 0), radius)


def test_nudges_move_one_dimension_each_and_stay_on_the_plane():
    assert nudge_point((0.1, 0.2, 0.3, 0.3), ["calmer"]) == pytest.approx([0.1, -0.5])
    assert nudge_point((0.1, 0.2), ["sadder", "more-intense"]) == pytest.approx([-0.7, 0.9])
    assert nudge_point((0.9, 0.0), ["brighter", "brighter"]) == pytest.approx([1.0, 0.0])
    assert nudge_point((0.9, 0.0), []) == pytest.approx([0.9, 0.0])
    with pytest.raises(ValueError, match="valence is to be both"):
        nudge_point((0, 0), ["sadder", "brighter"])
    with pytest.raises(KeyError):
        nudge_point((0, 0), ["louder"])

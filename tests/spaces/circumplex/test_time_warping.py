"""Dynamic time warping against every warping path there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.circumplex import compute_warped_costs, find_warping_path, interpolate_path

STEPS = ((1, 0), (0, 1), (1, 1))


def list_paths(height, width):
    """Every path from (0, 0) to the opposite corner by single steps down, right or both."""
    if (height, width) == (1, 1):
        return [[(0, 0)]]
    before = [(height - down, width - right) for down, right in STEPS]
    return [[*path, (height - 1, width - 1)] for one in before if min(one) > 0 for path in list_paths(*one)]


def compute_path_cost(costs, path):
    """The weighted mean: the first pair and diagonal steps count twice."""
    moves = [(1, 1), *(np.subtract(b, a) for a, b in itertools.pairwise(path))]
    return sum(sum(move) * costs[pair] for move, pair in zip(moves, path, strict=True)) / sum(costs.shape)


def make_costs(seed, lengths, width):
    return np.random.default_rng(seed).uniform(0, 3, (sum(lengths), width)).round(1)


@given(st.integers(0, 10_000), st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 4))
def test_the_least_cost_of_all_paths_of_each_sequence(seed, lengths, width):
    costs = make_costs(seed, lengths, width)
    parts = np.split(costs, np.cumsum(lengths)[:-1])
    expected = [min(compute_path_cost(part, path) for path in list_paths(*part.shape)) for part in parts]
    assert compute_warped_costs(costs, lengths) == pytest.approx(expected)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 5))
def test_the_path_has_the_least_cost(seed, length, width):
    costs = make_costs(seed, [length], width)
    path = [tuple(pair) for pair in find_warping_path(costs)]
    assert path in list_paths(length, width)
    assert compute_path_cost(costs, path) == pytest.approx(compute_warped_costs(costs, [length])[0])


def test_a_repeated_step_costs_what_a_constant_cost_says():
    assert compute_warped_costs(np.full((7, 3), 0.25), [2, 5]) == pytest.approx([0.25, 0.25])


def test_a_sequence_is_nearer_to_its_own_course_at_any_speed_than_to_the_reverse():
    course = np.array([0.0, 0.0, 0.0, 0.4, 1.0, 1.0])
    path = interpolate_path([[0.0], [1.0]], 5)[:, 0]
    there, back = (np.abs(one[:, None] - path) for one in (course, course[::-1]))
    forward, reverse = compute_warped_costs(np.concatenate([there, back]), [6, 6])
    assert forward < 0.1 < reverse


def test_interpolation_keeps_both_ends_and_halves_the_legs():
    path = interpolate_path([[0, 0], [1, 0], [1, 1]], 5)
    assert path.tolist() == [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1]]
    assert interpolate_path([[0.2, 0.3]], 3).tolist() == [[0.2, 0.3]] * 3


@pytest.mark.parametrize(("shape", "lengths"), [((3, 2), [2]), ((3, 2), [3, 0]), ((3, 0), [3]), ((3,), [3])])
def test_lengths_must_fit(shape, lengths):
    with pytest.raises(ValueError, match="do not fit"):
        compute_warped_costs(np.zeros(shape), lengths)


def test_no_path_without_waypoints():
    with pytest.raises(ValueError, match="no path"):
        interpolate_path(np.empty((0, 2)), 3)

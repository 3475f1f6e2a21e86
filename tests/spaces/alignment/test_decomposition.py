"""Affine maps as rotation, reflection, scale and shift."""

import numpy as np
import pytest

from spaces.alignment import AlignmentMap, decompose_map
from spaces.alignment.steps import AffineMap, NetworkMap


def decompose(weight, bias=(0.0, 0.0)):
    forward = AffineMap(weight=np.array(weight, float), bias=np.array(bias, float))
    return decompose_map(AlignmentMap(name="a map", forward=forward))


def turn(degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])


@pytest.mark.parametrize("degrees", [-170.0, -30.0, 0.0, 30.0, 120.0])
def test_a_similarity_is_its_angle_scale_and_shift(degrees):
    parts = decompose(2.5 * turn(degrees), (0.1, 0.2))
    assert parts.degrees == pytest.approx(degrees) and parts.reflects is False
    assert parts.scales == pytest.approx([2.5, 2.5]) and parts.bias.tolist() == [0.1, 0.2]


@pytest.mark.parametrize(
    ("weight", "line"),
    [([[1, 0], [0, -1]], 0), ([[0, 1], [1, 0]], 45), ([[0, -1], [-1, 0]], -45), ([[-1, 0], [0, 1]], 90)],
)
def test_a_reflection_leaves_its_mirror_line_as_it_is(weight, line):
    parts = decompose(weight)
    assert parts.reflects and abs(parts.degrees) == pytest.approx(abs(line))
    on_line = np.array([np.cos(np.radians(parts.degrees)), np.sin(np.radians(parts.degrees))])
    assert on_line @ np.array(weight) == pytest.approx(on_line)


def test_other_widths_and_curved_maps():
    assert decompose([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]).reflects is None
    one = decompose([[-2.0]], (0.5,))
    assert one.reflects and one.degrees is None and one.scales.tolist() == [2.0]
    zeros, ones = np.zeros((2, 2)), np.ones(2)
    network = NetworkMap(
        mean=ones, scale=ones, straight=zeros, inner=zeros, offset=ones, outer=zeros, bias=ones
    )
    assert decompose_map(AlignmentMap(name="curved", forward=network)) is None

"""Where a file is cut into segments, and the times of its frames."""

import pytest

from encoders.media.segments import compute_frame_times, compute_segment_bounds


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (2, [(0, 2)]),
        (15, [(0, 15)]),
        (19, [(0, 19)]),
        (20.5, [(0, 15), (15, 20.5)]),
        (34, [(0, 15), (15, 34)]),
    ],
)
def test_cuts(seconds, expected):
    assert compute_segment_bounds(seconds, 15) == expected


def test_moments_are_the_middles_of_equal_slices():
    assert compute_frame_times(0, 2, 1, 8) == [0.5, 1.5]
    assert compute_frame_times(15, 30, 1, 3) == [17.5, 22.5, 27.5]
    assert compute_frame_times(0, 0.1, 1, 8) == [0.05]
    assert len(compute_frame_times(0, 15, 1, None)) == 15

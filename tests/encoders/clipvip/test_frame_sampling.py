"""Which frames are read: the emotion report's rules."""

import numpy as np
import pytest

from encoders.clipvip.frame_sampling import CLIP_MEAN, CLIP_STD, make_pixels, sample_jittered, sample_uniform


@pytest.mark.parametrize(
    ("available", "frames"),
    [
        (1, [0] * 12),
        (5, [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4]),
        (12, list(range(12))),
        (100, [0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90, 99]),
    ],
)
def test_frames_at_equal_distance(available, frames):
    assert sample_uniform(available).tolist() == frames


@pytest.mark.parametrize("available", [1, 5, 12, 60, 121])
def test_jitter_stays_within_a_step_of_the_ends(available):
    rng = np.random.default_rng(0)
    step = available // 11
    drawn = [sample_jittered(available, rng) for _ in range(300)]
    starts, ends = {int(d[0]) for d in drawn}, {int(d[-1]) for d in drawn}
    assert starts == set(range(step + 1)) - set(range(available, step + 1))
    assert ends == set(range(max(0, available - 1 - step), available))
    assert all((np.diff(d) >= 0).all() and len(d) == 12 for d in drawn)


def test_jitter_is_seeded():
    first, again = (sample_jittered(60, np.random.default_rng(1)).tolist() for _ in range(2))
    assert first == again


def test_a_video_without_frames_is_refused():
    for call in (lambda: sample_uniform(0), lambda: sample_jittered(0, np.random.default_rng(0))):
        with pytest.raises(ValueError, match="without frames"):
            call()


def test_pixels_are_squashed_to_a_square_and_standardised():
    frames = np.zeros((2, 20, 60, 3), np.uint8)
    frames[:, :, 30:] = 255
    pixels = make_pixels(frames, 32)
    assert pixels.shape == (2, 3, 32, 32) and pixels.dtype == np.float32
    assert pixels[0, :, 5, 2] == pytest.approx((0 - CLIP_MEAN) / CLIP_STD)
    assert pixels[0, :, 5, 30] == pytest.approx((1 - CLIP_MEAN) / CLIP_STD)  # nothing is cropped

"""Local binary patterns against scikit-image."""

import cv2
import numpy as np
import pytest

from encoders.image_descriptors.local_binary_patterns import compute_lbp_histogram

skimage = pytest.importorskip("skimage")


def astronaut():
    return skimage.data.astronaut()[:300, 50:450]


def grey(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def test_binary_patterns_are_those_of_scikit_image():
    picture = grey(astronaut())
    expected = skimage.feature.local_binary_pattern(picture, 8, 1, "nri_uniform")[1:-1, 1:-1].astype(int)
    shares = np.bincount(expected.ravel(), minlength=59) / expected.size
    assert np.abs(compute_lbp_histogram(picture) - shares).max() < 1e-4


def test_a_flat_patch_is_all_ones_and_a_speck_has_no_pattern():
    flat = compute_lbp_histogram(np.full((20, 30), 77, np.uint8))
    assert flat.argmax() == 57 and flat.sum() == pytest.approx(1)
    assert np.isnan(compute_lbp_histogram(np.zeros((2, 9), np.uint8))).all()


def test_binary_patterns_ignore_brightness():
    picture = grey(astronaut()) // 2
    assert np.allclose(compute_lbp_histogram(picture), compute_lbp_histogram(picture + 60), atol=1e-3)

"""The input of SegFormer against transformers."""

import numpy as np
import pytest

from encoders.image_descriptors.scene_segmentation import preprocess_scene

skimage = pytest.importorskip("skimage")


def astronaut():
    return skimage.data.astronaut()[:300, 50:450]


def test_scene_pixels_are_prepared_as_transformers_does():
    from transformers import SegformerImageProcessor

    expected = SegformerImageProcessor()(images=[astronaut()], return_tensors="np")["pixel_values"]
    pixels = preprocess_scene(astronaut()[None])
    assert pixels.shape == expected.shape == (1, 3, 512, 512) and np.abs(pixels - expected).mean() < 0.02

"""Synthetic pictures without content, on which the head has to be uncertain (outlier exposure).

Hendrycks, Mazeika & Dietterich 2019, "Deep anomaly detection with outlier exposure".
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from encoders import Frames, Rows
from experiments.heads.image.training_set import ROLE, make_image_pipeline

Floats = npt.NDArray[np.float64]

N_BLANK_IMAGES = 160
KINDS = ("colour", "gradient", "noise", "clouds")  # in turn


def make_blank_images(*, seed: int, count: int = N_BLANK_IMAGES, side: int = 260) -> list[Frames]:
    """Pictures (1, side, side, 3) of one colour, a gradient, noise or clouds, bright or dark."""
    rng = np.random.default_rng(seed)
    images = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        base = rng.uniform(0, 255, rng.choice([1, 3])) * rng.choice([0.05, 1.0])
        plane: Floats = np.zeros((side, side, 3))
        if kind == "gradient":
            plane += _draw_gradient(rng, side)
        if kind in ("noise", "clouds"):
            plane += _draw_noise(rng, side, blurred=kind == "clouds")
        images.append((plane + base).clip(0, 255).astype(np.uint8)[None])
    return images


def encode_blank_images(seed: int) -> Rows:
    """Raw object rows (n, d) of blank pictures."""
    return make_image_pipeline().get_encoder(ROLE).encode(make_blank_images(seed=seed))


def _draw_gradient(rng: np.random.Generator, side: int) -> Floats:
    across, down = rng.normal(0, 100, 2)
    along = np.linspace(-1, 1, side)
    return np.asarray((across * along + down * along[:, None])[..., None])


def _draw_noise(rng: np.random.Generator, side: int, *, blurred: bool) -> Floats:
    channels = rng.choice([1, 3])
    noise: Floats = rng.normal(0, 1, (side, side, channels))
    if blurred:
        smooth = cv2.GaussianBlur(noise, (0, 0), rng.uniform(1, 40))
        noise = np.asarray(smooth, np.float64).reshape(side, side, channels)
    return np.asarray(noise / noise.std() * rng.uniform(2, 80))

"""Training sets of made-up pictures, whose ratings are a smooth function of their features."""

import numpy as np

from encoders.base import unit_rows
from experiments.heads.image.training_set import ROLE, TrainingSet
from retrieval.features.roles import LABELS_ROLE

WIDTH = 24


def made(pictures=240, noise=0.3, seed=0):
    """Pictures of 40 themes in two views; their mood is a smooth function of ten columns, and noise.

    Their label vectors tell of those columns, and of others.
    """
    rng = np.random.default_rng(seed)
    themes = rng.normal(0, 1, (40, WIDTH))
    group = np.arange(pictures) % 40
    plain = themes[group] + rng.normal(0, 1, (pictures, WIDTH))
    rows = np.stack([plain, plain + rng.normal(0, 0.1, plain.shape)], axis=1) + 3
    slopes = rng.normal(0, 0.08, (WIDTH, 2)) * (np.arange(WIDTH) < 10)[:, None]
    truth = np.tanh(plain @ slopes) + rng.normal(0, noise * 0.3, (pictures, 2))
    return TrainingSet(
        features={ROLE: rows, LABELS_ROLE: seen_in(rows)}, mean_ratings=truth,
        rater_sd=0.4 + 0.1 * np.tanh(plain[:, :2]), sample_weights=np.ones(pictures),
        groups=tuple(f"theme {number}" for number in group),
    )  # fmt: skip


def seen_in(rows):
    """Unit label vectors (..., 12) of rows (..., WIDTH)."""
    turn = np.random.default_rng(7).normal(0, 0.3, (WIDTH, 12))
    return unit_rows(np.tanh((rows - 3) @ turn).reshape(-1, 12)).reshape(*rows.shape[:-1], 12)

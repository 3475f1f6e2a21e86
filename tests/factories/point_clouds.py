"""Pairs of point clouds for tests of alignment maps."""

import numpy as np


def turn(degrees):
    """Rows times it are turned anticlockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def cloud(n=80, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 2)) * [0.4, 0.25] + [0.1, -0.2]


def bent(n=240, noise=0.1, seed=0):
    """A pair whose second axis follows the square of the first, which no linear map sees."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = np.stack([np.tanh(1.5 * x[:, 0]) + 0.7 * (x[:, 1] ** 2 - 1), x[:, 1] - 0.6 * x[:, 0] ** 2 + 0.6], 1)
    return 0.3 * x, 0.35 * y + noise * rng.normal(size=y.shape)

"""Ids of captions and their videos, and similarities of both."""

import numpy as np


def name_captions(owner, videos):
    return [f"v{number}" for number in owner], [f"v{number}" for number in range(videos)]


def make_example():
    rng = np.random.default_rng(1)
    owner = np.repeat(np.arange(30), 3)
    return rng.normal(size=(90, 30)) + (owner[:, None] == np.arange(30)), *name_captions(owner, 30)

"""Ranks of photos, and a paired gain."""

import numpy as np

from experiments.benchmarks.flickr import compute_photo_ranks, estimate_recall_gain, summarise_ranks
from retrieval.evaluation.estimate import Estimate


def test_ranks_of_photos_and_paired_gain():
    similarity = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.4]])  # captions of photos 0, 0, 1
    own = np.array([0, 0, 1])
    assert compute_photo_ranks(similarity, own).tolist() == [0, 1]
    assert estimate_recall_gain(np.array([0.0, 0, 9]), np.array([0.0, 10, 9]), own, seed=0) == Estimate(
        100 / 3, 0, 50
    )
    assert summarise_ranks(np.array([0.0, 1, 9]), own, seed=0)["R@10"] == Estimate(100, 100, 100)

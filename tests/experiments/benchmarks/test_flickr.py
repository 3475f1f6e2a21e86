"""The summary of a direction."""

import numpy as np
import pytest

from experiments.benchmarks.flickr import summarise_direction
from retrieval.evaluation import evaluate


def test_a_summary_has_recalls_and_ranks_with_intervals():
    similarity = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.4]])  # captions of photos 0, 0, 1
    evaluation = evaluate(similarity, ["0", "0", "1"], ["0", "1"])
    row = summarise_direction(evaluation.t2v, seed=0)
    assert list(row) == ["R@1", "R@5", "R@10", "MdR", "MnR"]
    assert row["R@1"].value == pytest.approx(200 / 3) and row["R@1"].low < row["R@1"].value < row["R@1"].high
    assert row["R@10"].value == 100 and row["R@10"].low < 60  # two photos that are hit prove little
    assert summarise_direction(evaluation.v2t, seed=0)["MdR"].value == 1

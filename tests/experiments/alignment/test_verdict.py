"""The verdict on the hypothesis."""

from dataclasses import replace

import numpy as np
from alignment_factory import make_pairs, noise, study_pairs

from experiments.alignment.pairs import AFFECT_COLUMNS
from experiments.alignment.verdict import make_verdict


def test_constructed_pairs_do_not_test_the_hypothesis():
    source = noise(80)
    pairs = make_pairs(
        source,
        source + 0.1 * noise(80, 1),
        columns=AFFECT_COLUMNS,
        construction="nearest on the plane",
    )
    verdict = make_verdict(study_pairs(pairs, ("identity", "affine")))
    assert verdict.relation == "linear" and verdict.hypothesis == "not tested"
    assert "nearest on the plane" in verdict.hypothesis_explanation and verdict.explanation.startswith(
        "A control, no finding"
    )
    real = make_verdict(study_pairs(replace(pairs, construction=""), ("identity", "affine")))
    assert real.hypothesis == "supported"


def test_one_shared_dimension_is_partial_support():
    source = noise(200)
    target = np.stack([source[:, 0] + 0.3 * noise(200, 1)[:, 0], noise(200, 2)[:, 0]], axis=1)
    verdict = make_verdict(
        study_pairs(make_pairs(source, target, columns=AFFECT_COLUMNS), ("identity", "affine"))
    )
    assert (
        verdict.hypothesis == "partly supported" and "share valence alone" in verdict.hypothesis_explanation
    )

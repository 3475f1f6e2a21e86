"""Outcomes of maps on disk."""

from dataclasses import replace

import numpy as np
from alignment_factory import METHODS, QUICK

from experiments.alignment.folds import fold_pairs
from experiments.alignment.map_evaluation import evaluate_map
from experiments.alignment.outcome_cache import (
    STORED_ARRAYS,
    compute_outcome_key,
    load_outcome,
    save_outcome,
)
from experiments.alignment.synthetic import make_synthetic_pairs


def test_outcomes_are_kept_to_the_bit(tmp_path):
    known = fold_pairs(make_synthetic_pairs("shear"), QUICK)
    found = evaluate_map(METHODS["procrustes"], known, QUICK)
    save_outcome(tmp_path / "one", found)
    again = load_outcome(tmp_path / "one")
    for name in STORED_ARRAYS:
        assert np.array_equal(getattr(again, name), getattr(found, name), equal_nan=True)
    assert again.half_disparity == found.half_disparity and again.fit_notes == found.fit_notes
    (tmp_path / "one").write_bytes(b"spoilt")
    assert load_outcome(tmp_path / "one") is None and load_outcome(tmp_path / "none") is None


def test_a_key_changes_with_all_that_matters():
    known = fold_pairs(make_synthetic_pairs("shear"), QUICK)
    moved = make_synthetic_pairs("shear")
    moved.source[7, 1] += 1e-9
    keys = {
        compute_outcome_key("affine", known, QUICK),
        compute_outcome_key("ridge", known, QUICK),
        compute_outcome_key("affine", known, replace(QUICK, seed=1)),
        compute_outcome_key("affine", known, replace(QUICK, draws=9)),
        compute_outcome_key("affine", fold_pairs(moved, QUICK), QUICK),
        compute_outcome_key("affine", fold_pairs(make_synthetic_pairs("shear", seed=1), QUICK), QUICK),
    }
    assert len(keys) == 6
    assert compute_outcome_key("affine", fold_pairs(make_synthetic_pairs("shear"), QUICK), QUICK) in keys

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


def test_outcomes_are_stored_bit_for_bit(tmp_path):
    data = fold_pairs(make_synthetic_pairs("shear"), QUICK)
    outcome = evaluate_map(METHODS["procrustes"], data, QUICK)
    save_outcome(tmp_path / "one", outcome)
    loaded = load_outcome(tmp_path / "one")
    for name in STORED_ARRAYS:
        assert np.array_equal(getattr(loaded, name), getattr(outcome, name), equal_nan=True)
    assert loaded.half_disparity == outcome.half_disparity and loaded.fit_notes == outcome.fit_notes
    (tmp_path / "one").write_bytes(b"spoilt")
    assert load_outcome(tmp_path / "one") is None and load_outcome(tmp_path / "none") is None


def test_key_depends_on_data_and_settings():
    data = fold_pairs(make_synthetic_pairs("shear"), QUICK)
    moved = make_synthetic_pairs("shear")
    moved.source[7, 1] += 1e-9
    keys = {
        compute_outcome_key("affine", data, QUICK),
        compute_outcome_key("ridge", data, QUICK),
        compute_outcome_key("affine", data, replace(QUICK, seed=1)),
        compute_outcome_key("affine", data, replace(QUICK, draws=9)),
        compute_outcome_key("affine", fold_pairs(moved, QUICK), QUICK),
        compute_outcome_key("affine", fold_pairs(make_synthetic_pairs("shear", seed=1), QUICK), QUICK),
    }
    assert len(keys) == 6
    assert compute_outcome_key("affine", fold_pairs(make_synthetic_pairs("shear"), QUICK), QUICK) in keys

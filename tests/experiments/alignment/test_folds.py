"""Folds of pairs: groups stay whole, models of readings see the anchors alone."""

from dataclasses import replace

import numpy as np
import pytest
from alignment_factory import METHODS, QUICK, make_pairs, noise

from encoders.base import AffectError
from experiments.alignment.folds import split_folds, split_half, standardise
from experiments.alignment.pairs import find_usable_rows, select_rows
from experiments.alignment.runner import study_set
from experiments.alignment.synthetic import make_synthetic_pairs


def test_models_see_anchors_alone():
    """A model of the readings never sees what is held out, nor itself the anchors it reads."""
    groups = np.repeat([f"actor {n}" for n in range(10)], 6)
    trained_groups = []

    def fit(rows, anchors):
        trained_groups.append(set(groups[anchors]))
        return lambda held_out: np.full((len(held_out), 2), len(trained_groups))

    pairs = make_pairs(noise(60, 0, 4), noise(60, 1, 4), groups=groups, fit_functions=(fit, None))
    folds = split_folds(pairs, seed=0)
    assert sorted(row for fold in folds for row in fold.held_out_rows) == list(range(60))
    fits_per_fold = len(trained_groups) // len(folds)
    for at, fold in enumerate(folds):
        out = set(groups[fold.held_out_rows])
        assert not out & set(groups[fold.anchor_rows])
        fold_groups = trained_groups[at * fits_per_fold : (at + 1) * fits_per_fold]
        assert not any(out & names for names in fold_groups)
        assert not np.isnan(fold.source).any()
        for row, number in zip(fold.anchor_rows, fold.source[:, 0], strict=True):
            assert groups[row] not in trained_groups[int(number) - 1]


def test_test_rows_are_never_trained_on():
    test = np.arange(60) % 5 == 0
    pairs = make_pairs(noise(60), noise(60, 1), groups=np.repeat(np.arange(20), 3).astype(str), is_test=test)
    for fold in (*split_folds(pairs, seed=0), split_half(pairs, seed=0)):
        assert not test[fold.held_out_rows].any() and not test[fold.anchor_rows].any()
    (last,) = split_folds(pairs, seed=0, split="test")
    assert (
        test[last.held_out_rows].all() and len(last.held_out_rows) == 12 and not test[last.anchor_rows].any()
    )
    assert split_folds(replace(pairs, is_test=None), seed=0, split="test") == []


@pytest.mark.slow
def test_test_rows_are_a_separate_set(tmp_path):
    """As large as they are, and with maps that were fitted on all the others."""
    pairs = make_synthetic_pairs("similarity")
    pairs = replace(pairs, is_test=np.arange(375) >= 300)
    methods = {name: METHODS[name] for name in ("identity", "affine")}
    results = study_set("set", pairs, methods, QUICK, tmp_path)
    assert list(results) == ["set", "set, test rows"]
    assert [len(one.data.pair_rows) for one in results.values()] == [300, 75]
    row = results["set, test rows"].maps[1]
    fit = METHODS["affine"].fit(pairs.source[:300], pairs.target[:300])
    left = ((fit.transform(pairs.source[300:]) - pairs.target[300:]) ** 2).sum()
    assert row.disparity.value == pytest.approx(
        left / ((pairs.target[300:] - pairs.target[:300].mean(0)) ** 2).sum()
    )


def test_one_group_can_not_be_held_out():
    with pytest.raises(AffectError, match="all 9 rows are of one group"):
        split_folds(make_pairs(noise(9), noise(9, 1), groups=np.full(9, "one")), seed=0)


def test_standardisation_uses_anchors_alone():
    anchors, held_out = np.array([[0.0, 1], [2, np.nan]]), np.array([[1.0, 1], [100, np.nan]])
    one, other = standardise(anchors, held_out)
    assert np.allclose(one, [[-1, 0], [1, 0]]) and np.allclose(other, [[0, 0], [5, 0]])


def test_missing_readings_are_left_out():
    source, target = noise(30), noise(30, 1)
    source[3, 0], target[5] = np.nan, np.nan
    pairs = make_pairs(source, target, emotions=np.full(30, "joy"))
    kept = np.flatnonzero(find_usable_rows(pairs))
    assert set(range(30)) - set(kept) == {3, 5}
    assert find_usable_rows(replace(pairs, standardise=True)).sum() == 29  # of features some are enough
    fewer = select_rows(pairs, kept, "why")
    assert len(fewer) == 28 and fewer.notes == ("why",) and len(fewer.emotions) == 28


def test_rows_that_do_not_pair():
    with pytest.raises(ValueError, match="do not pair"):
        make_pairs(noise(9), noise(8))

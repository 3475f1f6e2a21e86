"""Results of maps: intervals, chance levels, recovery of known relations, warnings."""

from dataclasses import replace

import numpy as np
import pytest
from alignment_factory import QUICK, make_pairs, noise, study_pairs

from experiments.alignment import unimodal_models
from experiments.alignment.bootstrap import GroupBootstrap
from experiments.alignment.chance_level import compute_chance_precision, compute_random_ndcg
from experiments.alignment.folds import fold_pairs
from experiments.alignment.map_evaluation import MapOutcome, disparity
from experiments.alignment.outcome_cache import STORED_ARRAYS
from experiments.alignment.synthetic import CASES, compute_oracle_disparity, make_synthetic_pairs
from experiments.alignment.verdict import make_verdict
from retrieval.evaluation.affect_metrics import ccc, ndcg


def test_group_sums_give_the_bootstrap_of_rows():
    """The ratios and CCCs of group sums are those of the rows a draw would hold."""
    x, y = noise(40), 0.5 * noise(40) + noise(40, 1)
    groups = np.repeat(np.arange(8), 5)
    draws = GroupBootstrap(groups, seed=0)
    assert draws.group_count == 8
    value, draws_ccc = draws.ccc(x, y)
    assert np.allclose(value, ccc(x, y))
    weights = draws._weights[3].astype(int)
    rows = np.repeat(np.arange(40), weights[groups])
    assert np.allclose(draws_ccc[3], ccc(x[rows], y[rows]))
    values = np.where(np.arange(40) % 3 == 0, np.nan, x[:, 0])
    assert draws.mean(values).value == pytest.approx(np.nanmean(values))
    assert draws.mean(np.full(40, np.nan)) is None


def test_disparity_by_hand():
    data = fold_pairs(make_pairs(noise(50), noise(50, 1)), QUICK)
    assert disparity(data.target, data) == 0
    assert disparity(data.target_means, data) == pytest.approx(1)
    assert disparity(2 * data.target_means - data.target, data) == pytest.approx(4)


def test_chance_levels_match_random_orders():
    """Against random orders drawn one by one."""
    pairs = make_pairs(noise(60), noise(60, 1), emotions=np.array(["a", "b", "b"] * 20))
    data = fold_pairs(pairs, QUICK)
    rng = np.random.default_rng(0)
    hits, gains = [], []
    for _ in range(40):
        shuffled = MapOutcome(
            **{name: np.zeros(1) for name in STORED_ARRAYS if name not in ("precision", "ndcg")},
            half_disparity=0.0,
            precision=np.zeros(1),
            ndcg=np.zeros(1),
        )
        assert shuffled.half_disparity == 0
        for at, fold in enumerate(data.folds):
            order = np.stack([rng.permutation(len(fold.held_out_rows)) for _ in fold.held_out_rows])
            labels = pairs.emotions[fold.held_out_rows]
            hits.append((labels[order[:, :5]] == labels[:, None]).mean())
            affect = data.affect[data.fold_ids == at]
            gains.append(ndcg(affect, affect, order, 10).mean())
    assert compute_chance_precision(data) == pytest.approx(np.mean(hits), abs=0.02)
    assert compute_random_ndcg(data) == pytest.approx(np.mean(gains), abs=0.02)


def test_retrieval_after_a_known_rotation():
    """Of a clean rotation the own pair comes first; without it the emotion must do."""
    pairs = replace(make_synthetic_pairs("rotation"), emotions=np.arange(375).astype(str))
    row = next(row for row in study_pairs(pairs, ("identity", "rotation")).maps if row.name == "rotation")
    assert row.precision.value == pytest.approx(0.2) and row.precision_without_pair.value == 0
    assert row.ndcg.value == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_closed_form_maps_recover_known_relations(name):
    pairs = make_synthetic_pairs(name)
    result = study_pairs(pairs)
    bound = compute_oracle_disparity(name, pairs) + 0.05
    for row in result.maps:
        recovered = CASES[name].is_related and row.disparity.value <= bound
        assert recovered == (row.name in CASES[name].recovering_maps), row.name
        if CASES[name].is_related and row.name in CASES[name].recovering_maps:
            assert row.p == 0.005 and row.null_disparity[1] > row.disparity.value
            assert row.swapped_axes_rise.low > 0.3  # a map that works breaks when the axes change places
    expected = {"non-linear": "non-linear", "unrelated": "unrelated"}.get(name, "linear")
    assert make_verdict(result).relation == expected
    assert make_verdict(result).hypothesis == "not tested"
    if name == "reflection":
        assert {row.name: row.reflection_share for row in result.maps}["procrustes"] == 1


@pytest.mark.slow
def test_learned_mapping_gains_on_non_linear_pairs_only():
    """Beyond its interval on the bent pair, and not on the similar one."""
    names = ("identity", "procrustes", "affine", "learned mapping")
    plan = replace(QUICK, shuffles=1, sizes=())
    bent, alike = (
        study_pairs(make_synthetic_pairs(name), names, plan).maps[-1] for name in ("non-linear", "similarity")
    )
    assert bent.gain_on_best_linear.low > 0 and alike.gain_on_best_linear.low <= 0
    assert abs(alike.gain_on_best_linear.value) < 0.02


def test_learning_curve_falls_with_anchors():
    result = study_pairs(
        make_synthetic_pairs("non-linear"), ("identity", "kernel ridge"), replace(QUICK, sizes=(10, 100, 999))
    )
    (few, small), (many, large) = result.maps[-1].learning_curve  # 999 is more than there are
    assert (few, many) == (10, 100) and large < 0.5 * small


def test_warnings_of_collapse_and_of_too_few_groups():
    rng = np.random.default_rng(0)
    source, target = noise(600), noise(600, 1)
    target[:, 1] = source[:, 1]
    one_axis = study_pairs(make_pairs(source, target), ("identity", "affine"))
    warnings_by_map = {row.name: row.warnings for row in one_axis.maps}
    assert any("collapsed on v" in warning for warning in warnings_by_map["affine"])
    assert not any("collapsed" in warning for warning in warnings_by_map["identity"])
    line = np.stack([source[:, 0], source[:, 0] + 0.02 * rng.normal(size=600)], axis=1)
    same = study_pairs(make_pairs(line, line), ("identity", "affine"))
    assert any("both axes tell the same" in warning for row in same.maps for warning in row.warnings)
    wide = study_pairs(
        make_pairs(noise(60, 0, 20), noise(60, 1, 20), columns=tuple(map(str, range(20)))),
        ("identity", "affine"),
    )
    assert any("anchors for 20 columns" in warning for warning in wide.warnings)
    few = study_pairs(
        make_pairs(noise(), noise(seed=1), groups=np.repeat(list("abcdef"), 10), exchange="groups"),
        ("identity",),
    )
    assert any("intervals from so few" in warning for warning in few.warnings)
    assert any("shuffled in only 6 ways" in warning for warning in few.warnings)


def test_fused_posteriors():
    p, q = np.array([[0.6, 0.4], [0.5, 0.5]]), np.array([[0.5, 0.5], [0.9, 0.1]])
    assert np.allclose(
        unimodal_models.fuse_posteriors(p, q, np.array([[0.5, 0.5]])), [[0.6, 0.4], [0.9, 0.1]]
    )
    # a prior that both already hold counts once
    prior = np.array([[0.8, 0.2]])
    assert np.allclose(unimodal_models.fuse_posteriors(prior, prior, prior), prior)

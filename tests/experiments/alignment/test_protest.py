"""PROTEST and the permutations that its p values follow from."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.spatial
from alignment_factory import METHODS, make_grouped_noise, make_pairs, noise
from scipy.stats import kstest

from experiments.alignment.folds import fold_pairs
from experiments.alignment.map_evaluation import run_permutation_test
from experiments.alignment.study_config import StudyConfig
from retrieval.evaluation.permutation_tests import (
    compute_nuclear_norms,
    compute_upper_p_value,
    draw_permutations,
    protest,
)


def test_protest_goldens():
    """vegan's own: m12^2 = .624 gives t = .6132; a cloud with itself 0, 1 and the least p of 999."""
    x = noise(50)
    x = (x - x.mean(0)) / np.linalg.norm(x - x.mean(0))
    orthogonal = noise(50, seed=1) - noise(50, seed=1).mean(0)
    orthogonal -= x @ np.linalg.lstsq(x, orthogonal, rcond=None)[0]  # so that only the part along x aligns
    orthogonal /= np.linalg.norm(orthogonal)
    t = np.sqrt(1 - 0.624)
    result = protest(x, t * x + np.sqrt(1 - t**2) * orthogonal, seed=0)
    assert result.disparity == pytest.approx(0.624) and result.correlation == pytest.approx(0.6132, abs=5e-5)
    same = protest(x, x, seed=0)
    assert (same.disparity, same.correlation, same.p_value) == (
        pytest.approx(0, abs=1e-12),
        pytest.approx(1),
        0.001,
    )


@pytest.mark.parametrize("width", [2, 3])
def test_protest_matches_scipy_on_every_permutation(width):
    x, y = noise(40, 0, width), noise(40, 1, width)
    result = protest(x, y, seed=5, draws=20)
    assert result.disparity == pytest.approx(scipy.spatial.procrustes(x, y)[2])
    orders = draw_permutations(40, 20, seed=5)
    expected = [np.sqrt(1 - scipy.spatial.procrustes(x, y[order])[2]) for order in orders]
    assert np.allclose(result.null_correlations, expected)
    assert result.p_value == (np.sum(result.null_correlations >= result.correlation) + 1) / 21


def test_nuclear_norms_of_two_by_two():
    products = np.random.default_rng(0).normal(size=(50, 2, 2))
    expected = np.linalg.svd(products, compute_uv=False).sum(axis=1)
    assert np.allclose(compute_nuclear_norms(products), expected)


def test_ties_count_in_p():
    assert compute_upper_p_value(0.5, [0.5 + 1e-12, 0.4, 0.3]) == 0.5
    assert compute_upper_p_value(2.0, [0.1] * 999) == 0.001


def test_constant_clouds_are_refused():
    for one in (np.ones((9, 2)), np.full((9, 2), np.nan), np.ones(9)):
        with pytest.raises(ValueError, match=r"vary|finite"):
            protest(one, noise(9), seed=0)
    with pytest.raises(ValueError, match="must pair"):
        protest(noise(9), noise(8), seed=0)


def test_exchange_rules():
    groups = np.repeat(list("abcd"), 3)
    rows = draw_permutations(12, 50, seed=0, groups=groups, exchange="rows")
    assert all(sorted(order) == list(range(12)) for order in rows)
    within = draw_permutations(12, 50, seed=0, groups=groups, exchange="within")
    assert (groups[within] == groups).all() and (within != np.arange(12)).any()
    whole = draw_permutations(12, 50, seed=0, groups=groups, exchange="groups")
    assert (np.diff(whole.reshape(50, 4, 3), axis=2) == 1).all()
    assert len({tuple(order) for order in whole}) > 10
    with pytest.raises(ValueError, match="no rule 'none'"):
        draw_permutations(7, 5, seed=0, exchange="none")


def test_permuting_rows_of_groups_is_anticonservative():
    """The reason for `exchange`: alike rows, shuffled one by one, look related far too often."""
    naive, honest = [], []
    for seed in range(60):
        owner, x, y = make_grouped_noise(seed)
        naive.append(protest(x, y, seed=seed, draws=99).p_value)
        honest.append(protest(x, y, seed=seed, draws=99, groups=owner, exchange="groups").p_value)
    assert np.mean(np.array(naive) <= 0.05) > 0.3
    assert np.mean(np.array(honest) <= 0.05) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("exchange", ["rows", "within", "groups"])
def test_p_is_uniform_without_a_relation(exchange):
    """200 draws of nothing, with PROTEST and with maps fitted on one half and shuffled on the other."""
    plan = StudyConfig(draws=199)
    result = {"PROTEST": [], "identity": [], "affine": [], "procrustes": []}
    for seed in range(200):
        owner, x, y = make_grouped_noise(1000 + seed)
        if exchange == "rows":
            x, y = noise(80, 2 * seed), noise(80, 2 * seed + 1)
        result["PROTEST"].append(protest(x, y, seed=seed, draws=199, groups=owner, exchange=exchange).p_value)
        data = fold_pairs(make_pairs(x, y, groups=owner.astype(str), exchange=exchange), plan)
        for name in ("identity", "affine", "procrustes"):
            half, null = run_permutation_test(METHODS[name], data, replace(plan, seed=seed))
            result[name].append(compute_upper_p_value(-half, -null))
    for name, ps in result.items():
        assert kstest(ps, "uniform").pvalue > 0.005, name
        assert np.mean(np.array(ps) <= 0.05) < 0.1, name

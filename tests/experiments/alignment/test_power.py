"""The power of a set's test, and the verdict that follows from it."""

from dataclasses import replace

import numpy as np
import pytest
from alignment_factory import METHODS, QUICK, make_pairs, noise, study_pairs

from experiments.alignment import power as power_module
from experiments.alignment.folds import fold_pairs
from experiments.alignment.map_fits import fit_families, select_families
from experiments.alignment.power import CORRELATIONS, MEDIUM, PowerEstimate, estimate_power
from experiments.alignment.study_config import StudyConfig
from experiments.alignment.verdict import make_verdict

MAPS = ("identity", "procrustes", "affine")


def estimate(row_count, maps=MAPS, draws=999, **options):
    pairs = make_pairs(noise(row_count), noise(row_count, 1), **options)
    return estimate_power(fold_pairs(pairs, StudyConfig()), maps, StudyConfig(draws=draws))


@pytest.fixture(autouse=True)
def few_trials(monkeypatch):
    monkeypatch.setattr(power_module, "MAX_TRIALS", 100)


def test_power_rises_with_pairs_and_with_the_correlation():
    few, many = estimate(30), estimate(150)
    assert (few.pair_count, few.group_count, few.map_count) == (30, 30, 3)
    assert few.by_correlation[0.1] < 0.1 < few.by_correlation[0.5] < 0.9 < few.by_correlation[0.9]
    assert all(many.by_correlation[r] >= few.by_correlation[r] - 0.02 for r in CORRELATIONS)
    assert not few.is_sufficient and many.is_sufficient
    assert 0.15 < many.detectable < 0.35 < few.detectable < 0.7
    assert few == estimate(30)  # seeded


def test_power_falls_with_the_number_of_maps_and_is_nothing_with_too_few_shuffles():
    assert estimate(60, maps=tuple(METHODS)).by_correlation[MEDIUM] < estimate(60).by_correlation[MEDIUM]
    none = estimate(60, draws=59)  # the least p is 1 / 60, and .05 after Holm
    assert set(none.by_correlation.values()) == {0.0} and none.detectable is None


def test_four_groups_that_are_shuffled_whole_can_show_nothing():
    """Of 2 groups in the held-out half there are two orders."""
    groups = {"groups": np.repeat(list("abcd"), 15)}
    assert estimate(60, exchange="groups", **groups).by_correlation[0.9] < 0.01
    assert estimate(60, exchange="within", **groups).by_correlation[0.9] > 0.9
    assert estimate(60, **groups).by_correlation[0.9] > 0.9


def test_power_is_that_of_the_groups_where_rows_of_a_group_are_alike():
    groups = np.repeat(np.arange(30), 5)
    source, target = (noise(30, seed)[groups] + 0.1 * noise(150, seed + 2) for seed in (0, 1))
    pairs = make_pairs(source, target, groups=groups.astype(str), exchange="groups")
    grouped = estimate_power(fold_pairs(pairs, StudyConfig()), MAPS, StudyConfig())
    alone = estimate(30)
    assert grouped.by_correlation[0.5] == pytest.approx(alone.by_correlation[0.5], abs=0.15)
    assert grouped.by_correlation[0.5] < estimate(150).by_correlation[0.5] - 0.2


def test_batched_fits_are_those_of_the_maps():
    source, target, held_out = noise(20), noise(20, 1), noise(9, 2)
    names = ("identity", "similarity", "procrustes", "affine")
    mapped = fit_families(select_families(names), source, target[None], held_out)[0]
    for rows, name in zip(mapped, names, strict=True):
        assert np.allclose(rows, METHODS[name].fit(source, target).transform(held_out)), name
    wide = fit_families(select_families(names), noise(20, 3, 4), target[None], noise(9, 4, 4))[0]
    expected = METHODS["affine"].fit(noise(20, 3, 4), target).transform(noise(9, 4, 4))
    assert all(np.allclose(rows, expected) for rows in wide)


def make_estimate(power):
    return PowerEstimate(
        pair_count=30, group_count=10, map_count=13, detectable=0.6,
        by_correlation=dict.fromkeys(CORRELATIONS, power),
    )  # fmt: skip


def test_without_power_the_verdict_is_that_nothing_can_be_told():
    result = study_pairs(make_pairs(noise(30), noise(30, 1), columns=("valence", "arousal")), MAPS)
    weak = make_verdict(replace(result, power=make_estimate(0.13)))
    assert weak.relation == weak.hypothesis == "undecided"
    assert weak.explanation.startswith("Can't tell: under no map")
    assert (
        "30 pairs in 10 groups give power 0.13 for a relation that explains 9 % of the target's scatter "
        "(r = 0.3), and 0.8 for one that explains 36 % (r = 0.60)" in weak.explanation
    )
    strong = make_verdict(replace(result, power=make_estimate(0.97)))
    assert strong.relation == "unrelated" and strong.hypothesis == "not supported"
    assert strong.explanation.startswith("Not alignable on this data") and "power 0.97" in strong.explanation
    nothing = make_verdict(replace(result, power=replace(make_estimate(0.01), detectable=None)))
    assert "less than 0.8 even for r = 0.9" in nothing.explanation


def test_power_is_stored_as_json():
    assert PowerEstimate.from_json(make_estimate(0.5).to_json()) == make_estimate(0.5)


@pytest.mark.slow
def test_stated_power_is_that_of_the_test():
    from experiments.simulations.power import list_checks

    outcome = list_checks()[1].run(share=0.3, seed=1)
    assert outcome.is_met, outcome.value


def test_quick_study_states_no_power():
    assert study_pairs(make_pairs(noise(40), noise(40, 1)), ("identity",), QUICK).power is None

"""The power that an alignment study states, and its verdicts, where the true relation is known."""

from __future__ import annotations

from functools import partial

import numpy as np

from experiments.alignment.folds import FoldedPairs, fold_pairs
from experiments.alignment.map_evaluation import (
    compute_permutation_p,
    evaluate_map,
    run_permutation_test,
)
from experiments.alignment.pairs import Floats, Ints, PairedReadings
from experiments.alignment.power import estimate_power
from experiments.alignment.relation_levels import measure_levels
from experiments.alignment.statistics import compute_statistics
from experiments.alignment.study_config import StudyConfig
from experiments.alignment.verdict import make_verdict
from experiments.simulations.check import SimulationCheck
from experiments.statistics.holm import adjust_holm
from retrieval.evaluation.permutation_tests import ExchangeRule
from spaces.alignment import make_closed_form_methods

CONFIG = StudyConfig(draws=499, shuffles=1, sizes=())
METHODS = make_closed_form_methods()
VERDICT_MAPS = ("identity", "procrustes", "affine")
TOLERANCE = 0.07  # between stated power and observed rate
LEVEL = 0.05

Design = tuple[int, int, float]
"""Pairs, pairs a group, and the true correlation in both columns."""

DESIGNS: tuple[Design, ...] = ((30, 1, 0.6), (100, 1, 0.3), (200, 1, 0.2), (120, 5, 0.4))


def list_checks() -> tuple[SimulationCheck, ...]:
    """Stated power against the rejection rate of the test, and verdicts of weak and of no relations."""
    return (
        *map(_check_stated_power, DESIGNS),
        *(
            SimulationCheck(
                name=f'"not alignable" of 30 pairs with r = {r:g}', expected="0 to .02", low=0, high=0.02,
                trials=40, simulate=partial(count_unrelated_verdicts, (30, 1, r)),
            )
            for r in (0.1, 0.25)
        ),
        SimulationCheck(
            name='"not alignable" of 300 pairs without a relation', expected=".9 to 1", low=0.9, high=1,
            trials=10, simulate=partial(count_unrelated_verdicts, (300, 1, 0.0)),
        ),
        SimulationCheck(
            name="levels found without a relation, 12 groups of 3 to 40 rows", expected=".01 to .07",
            low=0.01, high=0.07, trials=300, simulate=count_level_findings,
        ),
    )  # fmt: skip


def _check_stated_power(design: Design) -> SimulationCheck:
    pair_count, group_size, r = design
    stated = estimate_power(draw_pairs(design, np.random.default_rng(0)), METHODS, CONFIG).by_correlation[r]
    groups = "" if group_size == 1 else f" in groups of {group_size}"
    return SimulationCheck(
        name=f"power for r = {r:g}, {pair_count} pairs{groups}, 11 maps",
        expected=f"stated {stated:.2f} ± {TOLERANCE:g}", low=stated - TOLERANCE, high=stated + TOLERANCE,
        trials=200, simulate=partial(count_rejections, design),
    )  # fmt: skip


def count_rejections(design: Design, trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """How often some map of the study is significant after Holm's correction."""
    rejections = 0
    for _ in range(trials):
        data = draw_pairs(design, rng)
        p_values = [
            compute_permutation_p(*run_permutation_test(method, data, CONFIG)) for method in METHODS.values()
        ]
        rejections += min(adjust_holm(p_values)) < LEVEL
    return rejections, trials


def count_unrelated_verdicts(design: Design, trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """How often the verdict is that a set is not alignable."""
    methods = {name: METHODS[name] for name in VERDICT_MAPS}
    count = 0
    for _ in range(trials):
        data = draw_pairs(design, rng)
        outcomes = {name: evaluate_map(method, data, CONFIG) for name, method in methods.items()}
        power = estimate_power(data, methods, CONFIG)
        result = compute_statistics(data, methods, outcomes, CONFIG, {}, power)
        count += make_verdict(result).relation == "unrelated"
    return count, trials


def count_level_findings(trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """How often a relation is found between or within groups of unequal size, Holm's correction over both."""
    count = 0
    for _ in range(trials):
        groups = np.repeat(np.arange(12), rng.integers(3, 41, size=12))
        source, target = (_draw_points(groups, 2, rng) for _ in range(2))
        data = fold_pairs(_make_pairs(source, target, groups, "groups"), CONFIG)
        levels = None if data is None else measure_levels(data, CONFIG)
        count += levels is not None and levels.is_shown
    return count, trials


def draw_pairs(design: Design, rng: np.random.Generator) -> FoldedPairs:
    """Normal readings on a plane, turned or mirrored at random; groups are alike in both source and noise."""
    pair_count, group_size, r = design
    groups = np.arange(pair_count) // group_size
    source, noise = (_draw_points(groups, group_size, rng) for _ in range(2))
    rotation = np.linalg.qr(rng.normal(size=(2, 2)))[0] * rng.choice([-1.0, 1.0], size=2)
    target = r * source @ rotation + np.sqrt(1 - r**2) * noise
    data = fold_pairs(_make_pairs(source, target, groups, "rows" if group_size == 1 else "groups"), CONFIG)
    assert data is not None
    return data


def _make_pairs(source: Floats, target: Floats, groups: Ints, exchange: ExchangeRule) -> PairedReadings:
    return PairedReadings(
        name="drawn", modalities=("one", "other"), columns=("x", "y"), source=source, target=target,
        groups=groups.astype(str), exchange=exchange,
    )  # fmt: skip


def _draw_points(groups: Ints, group_size: int, rng: np.random.Generator) -> Floats:
    """(n, 2) standard normal points; in groups of several, a third of their variance is between groups."""
    points = rng.normal(size=(len(groups), 2))
    if group_size == 1:
        return points
    means = rng.normal(size=(int(groups.max()) + 1, 2))
    return np.asarray(np.sqrt(1 / 3) * means[groups] + np.sqrt(2 / 3) * points)

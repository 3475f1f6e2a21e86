"""Type I error of the tests that exchange whole groups of unequal length."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from experiments.alignment.folds import fold_pairs
from experiments.alignment.map_evaluation import run_permutation_test
from experiments.alignment.pairs import PairedReadings
from experiments.alignment.study_config import StudyConfig, list_methods
from experiments.simulations.check import SimulationCheck
from experiments.simulations.grouped_series import Floats, Ints, draw_groups, draw_series
from retrieval.evaluation.permutation_tests import compute_upper_p_value, protest

LEVEL, LOW, HIGH = 0.05, 0.03, 0.07
DRAWS = 199
LEAST_ROWS, MOST_ROWS = 3, 40  # of a group

PROTEST_SETTINGS = (
    (8, 0.0, 0.8), (8, 0.8, 0.4), (12, 0.0, 0.0), (12, 0.8, 0.0), (12, 0.8, 0.8), (30, 0.0, 0.4),
    (30, 0.8, 0.8),
)  # fmt: skip
"""Groups, autocorrelation within a group, and the share of the variance between groups."""
MAP_SETTINGS = ((12, 0.8, 0.4), (30, 0.0, 0.8))

ComputeP = Callable[[Floats, Floats, Ints, int], float]
"""From points (n, 2), points (n, 2), groups (n,) and a seed, a p-value."""


def list_checks() -> tuple[SimulationCheck, ...]:
    """PROTEST, and a map fitted on half of the groups and tested on the others, without a relation."""
    return (
        *(_make_check("PROTEST", compute_protest_p, setting, 600) for setting in PROTEST_SETTINGS),
        *(_make_check("Procrustes map", compute_map_p, setting, 300) for setting in MAP_SETTINGS),
    )


def compute_protest_p(source: Floats, target: Floats, groups: Ints, seed: int) -> float:
    """p of PROTEST by exchange of whole groups."""
    return protest(source, target, seed=seed, draws=DRAWS, groups=groups, exchange="groups").p_value


def compute_map_p(source: Floats, target: Floats, groups: Ints, seed: int) -> float:
    """p of a Procrustes map, as alignment studies test it."""
    config = StudyConfig(draws=DRAWS, seed=seed)
    pairs = PairedReadings(
        name="simulated", modalities=("one", "other"), source=source, target=target, columns=("v", "a"),
        groups=groups.astype(str), exchange="groups",
    )  # fmt: skip
    data = fold_pairs(pairs, config)
    if data is None:
        raise ValueError("too few groups to hold some out")
    disparity, null_disparities = run_permutation_test(list_methods()["procrustes"], data, config)
    return compute_upper_p_value(-disparity, -null_disparities)


def count_rejections(
    compute_p: ComputeP, group_count: int, autocorrelation: float, group_share: float, trials: int,
    rng: np.random.Generator,
) -> tuple[int, int]:  # fmt: skip
    """How many of `trials` pairs of unrelated series have p <= LEVEL."""
    rejections = 0
    for seed in range(trials):
        groups = draw_groups(rng, group_count, LEAST_ROWS, MOST_ROWS)
        source, target = (
            draw_series(rng, groups, autocorrelation=autocorrelation, group_share=group_share)
            for _ in range(2)
        )
        rejections += compute_p(source, target, groups, seed) <= LEVEL
    return rejections, trials


def _make_check(
    test: str, compute_p: ComputeP, setting: tuple[int, float, float], trials: int
) -> SimulationCheck:
    groups, autocorrelation, share = setting
    return SimulationCheck(
        name=f"{test}: {groups} groups of {LEAST_ROWS} to {MOST_ROWS}, AR {autocorrelation:g}, ICC {share:g}",
        expected="type I error .03 to .07",
        low=LOW,
        high=HIGH,
        trials=trials,
        simulate=partial(count_rejections, compute_p, *setting),
    )

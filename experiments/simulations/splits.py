"""Whether a split by group ever loses a part, over random sizes of groups."""

from __future__ import annotations

import numpy as np

from experiments.simulations.check import SimulationCheck
from retrieval.evaluation import make_group_folds, split_by_group

SETTINGS = 200
SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}


def list_checks() -> tuple[SimulationCheck, ...]:
    """Parts lost by splits and by folds, counted exactly."""
    return tuple(
        SimulationCheck(
            name=f"splits: {name} without an item, {SETTINGS} sizes of groups",
            expected="0",
            low=0,
            high=0,
            trials=1,
            simulate=simulate,
        )
        for name, simulate in (("splits", count_lost_splits), ("folds", count_lost_folds))
    )


def draw_groups(rng: np.random.Generator) -> list[int]:
    """(n,) groups of 3 to 30 sizes, lognormal; half of the sets have one group with most of the items."""
    sizes = np.ceil(rng.lognormal(0, rng.choice([0.0, 0.5, 2.0]), rng.integers(3, 31))).astype(np.int64)
    if rng.random() < 0.5:
        sizes[rng.integers(len(sizes))] += rng.integers(10, 1000)
    return np.repeat(np.arange(len(sizes)), sizes).tolist()


def count_lost_splits(trials: int, rng: np.random.Generator) -> float:
    """Settings in which a split has no item."""
    parts = (split_by_group(draw_groups(rng), SHARES, seed) for seed in range(SETTINGS))
    return float(sum(len(set(part.tolist())) < len(SHARES) for part in parts))


def count_lost_folds(trials: int, rng: np.random.Generator) -> float:
    """Settings in which one of three folds has no item."""
    folds = (make_group_folds(draw_groups(rng), 3, seed) for seed in range(SETTINGS))
    return float(sum(min(map(len, parts)) == 0 for parts in folds))

"""Differences of methods over seeds and items, where the truth is known.

Networks of two methods score items; a query is a hit at depth k where its score is above a threshold. Scores
have effects of the item, of item and method, of the seed, of seed and item, and of the query. The spread of
rsum over seeds is that of trained spaces: 0 to 20.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from experiments.simulations.check import Simulation, SimulationCheck
from experiments.statistics.crossed_effects import compare_methods, compare_networks

Floats = npt.NDArray[np.float64]

THRESHOLDS = np.array([1.0, 0.2, -0.2])  # of a hit at R@1, R@5 and R@10: 16, 42 and 58 %
ITEM_SD, METHOD_ITEM_SD, SEED_ITEM_SD = 0.75, 0.35, 0.4
QUERY_SD = float(np.sqrt(1 - ITEM_SD**2 - METHOD_ITEM_SD**2 - SEED_ITEM_SD**2))
RSUM_SLOPE = 200 * float(norm.pdf(THRESHOLDS).sum())  # change of rsum by a change of all scores
SHARED_VARIANCE = 0.7  # of the effects of seeds, where two methods have a network in common
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Design:
    """Methods whose rsum is measured over the same items.

    spreads: standard deviation of rsum over seeds of each method
    shift:   by which the scores of the first are higher
    has_shared_network: whether the networks of one seed have a part in common
    is_baseline: whether the methods but the first have no seeds
    """

    seeds: int
    items: int
    spreads: tuple[float, ...]
    shift: float = 0.0
    has_shared_network: bool = False
    is_baseline: bool = False

    @property
    def true_difference(self) -> float:
        """Of rsum of the first two, over all seeds and items."""
        first, second = (
            200 * float(norm.sf((THRESHOLDS - shift) / np.sqrt(1 + (spread / RSUM_SLOPE) ** 2)).sum())
            for shift, spread in zip((self.shift, 0.0), self.spreads[:2], strict=True)
        )
        return first - second

    def draw(self, rng: np.random.Generator) -> list[Floats]:
        """Each method's rsum (seeds, items)."""
        item = ITEM_SD * rng.normal(size=self.items)
        shape = (self.seeds, self.items)
        common_seed, common = rng.normal(size=(self.seeds, 1)), rng.normal(size=shape)
        share = SHARED_VARIANCE if self.has_shared_network else 0.0
        methods = []
        for number, spread in enumerate(self.spreads):
            seeds = np.sqrt(share) * common_seed + np.sqrt(1 - share) * rng.normal(size=(self.seeds, 1))
            seeds_by_item = np.sqrt(share) * common + np.sqrt(1 - share) * rng.normal(size=shape)
            scores = item + METHOD_ITEM_SD * rng.normal(size=self.items) + self.shift * (number == 0)
            scores = scores + spread / RSUM_SLOPE * seeds + SEED_ITEM_SD * seeds_by_item
            rsum = _score_rsum(scores, rng)
            methods.append(rsum[:1] if self.is_baseline and number else rsum)
        return methods


def _score_rsum(scores: Floats, rng: np.random.Generator) -> Floats:
    """The six recalls of each item and seed, added; a query's effect is the same under all seeds."""
    both = (scores + QUERY_SD * rng.normal(size=scores.shape[1]) for _ in range(2))
    return np.asarray(100.0 * sum((one[..., None] > THRESHOLDS).sum(axis=-1) for one in both))


def count_method_errors(design: Design, trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """Trials whose 95 % interval misses the true difference: with none, type I errors of the test."""
    missed = 0
    for _ in range(trials):
        first, second = design.draw(rng)
        difference = compare_methods(first, second, paired_seeds=design.has_shared_network)
        low, high = difference.compute_interval(LEVEL)
        missed += not low <= design.true_difference <= high
    return missed, trials


def count_covered_differences(design: Design, trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """Trials whose interval of the method holds the true difference."""
    missed, count = count_method_errors(design, trials, rng)
    return count - missed, count


def count_network_errors(design: Design, trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """Type I errors of the statement on these networks, where all networks of a method are equal."""
    missed = 0
    for _ in range(trials):
        first, second = design.draw(rng)
        low, high = compare_networks(first, second).compute_interval(LEVEL)
        missed += not low <= 0 <= high
    return missed, trials


def count_family_errors(design: Design, trials: int, rng: np.random.Generator) -> tuple[int, int]:
    """Tables in which a method is found to differ from the first, though none does."""
    missed = 0
    for _ in range(trials):
        reference, *others = design.draw(rng)
        level = 1 - (1 - LEVEL) / len(others)
        differences = [compare_methods(other, reference, paired_seeds=False) for other in others]
        intervals = [difference.compute_interval(level) for difference in differences]
        missed += any(not low <= 0 <= high for low, high in intervals)
    return missed, trials


DESIGNS = {
    "3 seeds, 60 items, spread 20": Design(seeds=3, items=60, spreads=(20, 20)),
    "3 seeds, 200 items, no spread": Design(seeds=3, items=200, spreads=(0, 0)),
    "3 seeds, 1000 items, spreads 20 and 0": Design(seeds=3, items=1000, spreads=(20, 0)),
    "3 seeds, 1000 items, spread 20, a network in common": Design(
        seeds=3, items=1000, spreads=(20, 20), has_shared_network=True
    ),
    "3 seeds, 1000 items, spread 20, against a baseline": Design(
        seeds=3, items=1000, spreads=(20, 0), is_baseline=True
    ),
    "5 seeds, 60 items, spread 5": Design(seeds=5, items=60, spreads=(5, 5)),
    "5 seeds, 200 items, spread 10": Design(seeds=5, items=200, spreads=(10, 10)),
    "5 seeds, 200 items, spread 10, a network in common": Design(
        seeds=5, items=200, spreads=(10, 10), has_shared_network=True
    ),
    "5 seeds, 1000 items, spread 20": Design(seeds=5, items=1000, spreads=(20, 20)),
    "10 seeds, 200 items, spread 20": Design(seeds=10, items=200, spreads=(20, 20)),
}


def list_checks() -> tuple[SimulationCheck, ...]:
    """The checks of this topic."""
    unequal = {
        "3 seeds, 60 items, spread 10": Design(seeds=3, items=60, spreads=(10, 10), shift=0.2),
        "5 seeds, 200 items, spread 20": Design(seeds=5, items=200, spreads=(20, 20), shift=0.2),
    }
    one_network = Design(seeds=5, items=200, spreads=(0, 0))
    table = Design(seeds=5, items=200, spreads=(10,) * 9)
    return (
        *(
            _check_error(f"method, {name}", partial(count_method_errors, one))
            for name, one in DESIGNS.items()
        ),
        *(
            _check_coverage(f"difference of methods, {name}", partial(count_covered_differences, design))
            for name, design in unequal.items()
        ),
        _check_error("these networks, 5 seeds, 200 items", partial(count_network_errors, one_network)),
        _check_error("8 methods against one, all", partial(count_family_errors, table), 400, low=0.0),
    )


def _check_error(
    name: str, simulate: Simulation, trials: int = 2000, *, low: float = 0.03
) -> SimulationCheck:
    return SimulationCheck(
        name=f"seeds: {name}",
        expected=f"type I error {low:.2f} to .07".replace("0.", "."),
        low=low,
        high=0.07,
        trials=trials,
        simulate=simulate,
    )


def _check_coverage(name: str, simulate: Simulation) -> SimulationCheck:
    return SimulationCheck(
        name=f"seeds: {name}",
        expected="coverage .93 to .97",
        low=0.93,
        high=0.97,
        trials=2000,
        simulate=simulate,
    )

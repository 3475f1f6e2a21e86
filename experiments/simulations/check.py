"""A check of a statistical procedure by simulation, and its outcome."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

MONTE_CARLO_LEVEL = 0.999  # of the interval of an observed rate that has to reach into the tolerated range

Simulation = Callable[[int, np.random.Generator], "float | tuple[int, int]"]
"""From a number of trials and a generator: (successes, trials) of a rate, or an exact value."""


@dataclass(frozen=True, kw_only=True)
class SimulationCheck:
    """A procedure under a known truth, and the range that its operating characteristic has to lie in.

    name:     what is checked, and under which truth
    expected: the tolerated range in words, such as "coverage .93 to .97"
    low, high: the tolerated range
    trials:   trials of a full run; 1 for what is computed exactly
    simulate: computes the characteristic
    """

    name: str
    expected: str
    low: float
    high: float
    trials: int
    simulate: Simulation

    def run(self, *, share: float, seed: int) -> CheckOutcome:
        """Simulate `share` of the trials, at least ten, or the one trial of an exact check."""
        trials = self.trials if self.trials == 1 else max(10, round(self.trials * share))
        # a generator of its own, so that a check does not depend on which others run
        rng = np.random.default_rng([seed, *self.name.encode()])
        observed = self.simulate(trials, rng)
        if not isinstance(observed, tuple):
            return CheckOutcome(check=self, value=float(observed))
        successes, count = observed
        return CheckOutcome(check=self, value=successes / count, trials=count)


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """The observed characteristic; `trials` is None where it was computed exactly."""

    check: SimulationCheck
    value: float
    trials: int | None = None

    @property
    def monte_carlo_interval(self) -> tuple[float, float]:
        """The Wilson interval (1927) of a simulated rate; the value itself where it is exact."""
        if self.trials is None:
            return self.value, self.value
        z = float(norm.ppf((1 + MONTE_CARLO_LEVEL) / 2))
        centre = (self.value + z**2 / (2 * self.trials)) / (1 + z**2 / self.trials)
        variance = self.value * (1 - self.value) / self.trials + (z / (2 * self.trials)) ** 2
        half_width = z * math.sqrt(variance) / (1 + z**2 / self.trials)
        return centre - half_width, centre + half_width

    @property
    def is_met(self) -> bool:
        """Whether the value may lie in the tolerated range, given the Monte Carlo error."""
        low, high = self.monte_carlo_interval
        return high >= self.check.low and low <= self.check.high

    def to_json(self) -> dict[str, Any]:
        """As printed with --json."""
        return {
            "check": self.check.name, "expected": self.check.expected, "low": self.check.low,
            "high": self.check.high, "observed": self.value, "trials": self.trials, "met": self.is_met,
        }  # fmt: skip

"""Timing of several methods in turns, so that a change of the machine's load affects them all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import Estimate, bootstrap_estimate

Seconds = npt.NDArray[np.float64]


def time_in_turns(methods: Mapping[str, Callable[[int], Any]], rounds: int) -> dict[str, Seconds]:
    """Seconds (rounds,) of each method, which is called with the number of the round.

    Odd rounds are in reverse order, so that no method always follows the same other one. A call of each
    beforehand, not counted, does the work of first calls.
    """
    names = list(methods)
    seconds = {name: np.empty(rounds) for name in names}
    for name in names:
        methods[name](0)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            start = time.perf_counter()
            methods[name](number)
            seconds[name][number] = time.perf_counter() - start
    return seconds


def estimate_speedup(baseline_seconds: Seconds, method_seconds: Seconds, *, seed: int) -> Estimate:
    """Median ratio baseline / method of (n,) paired runs, with its 95 % bootstrap interval over pairs."""
    return bootstrap_estimate(baseline_seconds / method_seconds, np.median, seed=seed)


def estimate_total_speedup(baseline_seconds: Seconds, method_seconds: Seconds, *, seed: int) -> Estimate:
    """Ratio of total seconds, baseline / method, of (n,) paired runs of unequal work; interval as above."""
    paired_seconds = np.stack([baseline_seconds, method_seconds], axis=1)
    return bootstrap_estimate(paired_seconds, _compute_total_ratio, seed=seed)


def _compute_total_ratio(paired_seconds: Seconds) -> float:
    baseline, method = paired_seconds.sum(axis=0)
    return float(baseline / method)


def summarise_seconds(seconds: Seconds, unit_seconds: float = 1.0) -> Estimate:
    """Median, minimum and maximum of (n,) seconds, in units of `unit_seconds`."""
    return Estimate(*(float(np.quantile(seconds, q)) / unit_seconds for q in (0.5, 0, 1)))

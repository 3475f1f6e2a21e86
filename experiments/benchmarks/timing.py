"""Timing ways of doing one thing against each other: in turns, so that a busy moment hits them all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import bootstrap_interval
from retrieval.evaluation.estimate import Estimate

Seconds = npt.NDArray[np.float64]


def time_in_turns(methods: Mapping[str, Callable[[int], Any]], rounds: int) -> dict[str, Seconds]:
    """Seconds (rounds,) of each way; every way is called with the round's number.

    Odd rounds go through the ways backwards, so that none always follows the same other one. One more call
    of each, ahead and not counted, takes what is done only once.
    """
    names = list(methods)
    spent = {name: np.empty(rounds) for name in names}
    for name in names:
        methods[name](0)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            begin = time.perf_counter()
            methods[name](number)
            spent[name][number] = time.perf_counter() - begin
    return spent


def estimate_speedup(baseline_seconds: Seconds, method_seconds: Seconds, *, seed: int) -> Estimate:
    """Median of the ratios slow / fast of (n,) paired runs, with its 95 % bootstrap interval over pairs."""
    ratios = baseline_seconds / method_seconds
    low, high = bootstrap_interval(ratios, np.median, seed=seed)
    return Estimate(float(np.median(ratios)), low, high)


def estimate_total_speedup(baseline_seconds: Seconds, method_seconds: Seconds, *, seed: int) -> Estimate:
    """All seconds slow / all seconds fast of (n,) paired runs of unlike length; interval as above."""
    both = np.stack([baseline_seconds, method_seconds], axis=1)
    low, high = bootstrap_interval(both, _compute_total_ratio, seed=seed)
    return Estimate(_compute_total_ratio(both), low, high)


def _compute_total_ratio(paired_seconds: Seconds) -> float:
    slow, fast = paired_seconds.sum(axis=0)
    return float(slow / fast)


def summarise_seconds(seconds: Seconds, unit_seconds: float = 1.0) -> Estimate:
    """Median, least and most of (n,) seconds, in units of so many seconds."""
    return Estimate(*(float(np.quantile(seconds, q)) / unit_seconds for q in (0.5, 0, 1)))

"""Timing ways of doing one thing against each other: in turns, so that a busy moment hits them all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.statistics.report import Figure
from retrieval.evaluation import bootstrap_interval

Seconds = npt.NDArray[np.float64]


def in_turns(ways: Mapping[str, Callable[[int], Any]], rounds: int) -> dict[str, Seconds]:
    """Seconds (rounds,) of each way; every way is called with the round's number.

    Odd rounds go through the ways backwards, so that none always follows the same other one. One more call
    of each, ahead and not counted, takes what is done only once.
    """
    names = list(ways)
    spent = {name: np.empty(rounds) for name in names}
    for name in names:
        ways[name](0)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            begin = time.perf_counter()
            ways[name](number)
            spent[name][number] = time.perf_counter() - begin
    return spent


def times_faster(slow: Seconds, fast: Seconds, *, seed: int) -> Figure:
    """Median of the ratios slow / fast of (n,) paired runs, with its 95 % bootstrap interval over pairs."""
    ratios = slow / fast
    low, high = bootstrap_interval(ratios, np.median, seed=seed)
    return Figure(float(np.median(ratios)), low, high)


def faster_in_all(slow: Seconds, fast: Seconds, *, seed: int) -> Figure:
    """All seconds slow / all seconds fast of (n,) paired runs of unlike length; interval as above."""
    both = np.stack([slow, fast], axis=1)
    low, high = bootstrap_interval(both, _ratio_of_sums, seed=seed)
    return Figure(_ratio_of_sums(both), low, high)


def _ratio_of_sums(pairs: Seconds) -> float:
    slow, fast = pairs.sum(axis=0)
    return float(slow / fast)


def spread(seconds: Seconds, unit: float = 1.0) -> Figure:
    """Median, least and most of (n,) seconds, in units of so many seconds."""
    return Figure(*(float(np.quantile(seconds, q)) / unit for q in (0.5, 0, 1)))

"""One figure of the affect report: what, how much, its interval, its floor and ceiling, and the bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retrieval.evaluation.resampling import bootstrap_interval

EvaluationPart = Literal["folds", "dev", "test"]
"""On what a figure is measured. folds: groups of train and dev held out in turn, by models taught on the
rest; dev, test: that part of the set, by a model taught without it."""

DIMENSIONS = ("valence", "arousal")


@dataclass(frozen=True, kw_only=True)
class MetricResult:
    """One figure with its 95 % interval.

    dataset, metric: such as "oasis" and "valence CCC"
    count:    how many items; `part`: which
    baseline: what a plain way gets on the same items, by its name
    ceiling:  what people or a replicate would get, with its source; empty where nobody knows
    required: what was set out to be reached; None without one
    """

    dataset: str
    metric: str
    value: float
    low: float
    high: float
    count: int
    part: EvaluationPart
    baseline: str = ""
    ceiling: str = ""
    required: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "data": self.dataset,
            "what": self.metric,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "of": self.count,
            "part": self.part,
            "floor": self.baseline,
            "ceiling": self.ceiling,
            "bar": self.required,
        }


def measure_metric(
    dataset: str,
    metric: str,
    pairs: npt.ArrayLike,
    statistic: Callable[[npt.NDArray[np.float64]], float],
    *,
    part: EvaluationPart,
    seed: int,
    groups: npt.ArrayLike | None = None,
    baseline: str = "",
    ceiling: str = "",
    required: float | None = None,
) -> MetricResult:
    """A figure of `statistic` over pairs (n, ...) of what was found and what is so, drawn by whole groups."""
    known = np.asarray(pairs, np.float64)
    low, high = bootstrap_interval(known, statistic, seed=seed, groups=groups)
    return MetricResult(
        dataset=dataset,
        metric=metric,
        value=float(statistic(known)),
        low=low,
        high=high,
        count=len(known),
        part=part,
        baseline=baseline,
        ceiling=ceiling,
        required=required,
    )

"""A line of the affect report: a metric with its interval, baseline, ceiling and required value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import Estimate, bootstrap_estimate, ccc, pearson, rmse

Floats = npt.NDArray[np.float64]
Statistic = Callable[[Floats], float]

EvaluationPart = Literal["folds", "dev", "test"]
"""The items a metric is measured on. folds: groups of train and dev held out in turn, by models trained on
the rest; dev, test: that split of the set, by a model trained without it."""

DIMENSIONS = ("valence", "arousal")


@dataclass(frozen=True, kw_only=True)
class MetricResult(Estimate):
    """A metric with its 95 % interval.

    dataset, metric: such as "oasis" and "valence CCC"
    count:    number of items
    part:     which items
    baseline: the value of a simple method on the same items, with its name
    ceiling:  the value of people or of a replicate, with its source; empty where unknown
    required: the value set as target; None without one
    """

    dataset: str
    metric: str
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
    statistic: Statistic,
    *,
    part: EvaluationPart,
    seed: int,
    groups: npt.ArrayLike | None = None,
    baseline: str = "",
    ceiling: str = "",
    required: float | None = None,
) -> MetricResult:
    """`statistic` over pairs (n, ...) of prediction and ground truth, its interval drawn by whole groups."""
    values = np.asarray(pairs, np.float64)
    estimate = bootstrap_estimate(values, statistic, seed=seed, groups=groups)
    return MetricResult(
        dataset=dataset,
        metric=metric,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        count=len(values),
        part=part,
        baseline=baseline,
        ceiling=ceiling,
        required=required,
    )


def pair_ccc(pairs: Floats) -> float:
    """Concordance correlation of the first two columns (Lin 1989)."""
    return float(ccc(pairs[:, 0], pairs[:, 1]))


def pair_pearson(pairs: Floats) -> float:
    """Pearson's r of the first two columns."""
    return float(pearson(pairs[:, 0], pairs[:, 1]))


def pair_rmse(pairs: Floats) -> float:
    """Root mean squared difference of the first two columns."""
    return float(rmse(pairs[:, 0], pairs[:, 1]))

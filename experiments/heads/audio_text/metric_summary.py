"""A metric of one method over held-out folds, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.heads.audio_text.retrieval_metrics import Metrics
from retrieval.evaluation import Estimate, bootstrap_interval

N_BOOTSTRAP_DRAWS = 500


@dataclass(frozen=True, kw_only=True)
class MetricSummary(Estimate):
    """The mean of metric `name` by `method`, and its 95 % interval.

    Intervals over folds are bootstrapped over the folds of several splits, which share their clips: they
    measure the variation between splits, not between samples of clips.
    """

    name: str
    method: str
    n_folds: int = 1


def summarise_folds(name: str, method: str, fold_metrics: Sequence[Metrics], seed: int) -> MetricSummary:
    """A metric over folds."""
    values = np.array([metrics[name] for metrics in fold_metrics])
    low, high = bootstrap_interval(values, seed=seed, draws=N_BOOTSTRAP_DRAWS)
    return MetricSummary(
        name=name, method=method, value=float(values.mean()), low=low, high=high, n_folds=len(values)
    )


def summarise_difference(
    name: str, method: str, first: Sequence[Metrics], second: Sequence[Metrics], seed: int
) -> MetricSummary:
    """The difference of a metric between two methods on the same folds."""
    gaps = [{name: left[name] - right[name]} for left, right in zip(first, second, strict=True)]
    return summarise_folds(name, method, gaps, seed)

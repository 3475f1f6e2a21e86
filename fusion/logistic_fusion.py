"""Fusion by learned weights: a logistic regression on the log-odds of the spaces (stacking, Wolpert 1992)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fusion.late_fusion import stack_scores
from fusion.platt_scaling import sigmoid

Scores = npt.NDArray[np.float64]

MAX_SPACE_LOG_ODDS = 12.0
"""Bound on the log-odds of one space: calibrations have seen no pairs that are surer (.999994)."""
INTERCEPT = "intercept"


@dataclass(frozen=True, kw_only=True)
class LogisticWeights:
    """log-odds = intercept + the sum over spaces with a score of slope * weight * the space's log-odds.

    slopes: by space, not negative

    A space that abstains adds nothing, which is neither for nor against a match. `weight` is that of the
    query, relative to its largest. An offset for each space that has a score was worse on held-out words: it
    learns which modality has more right answers in the training gallery (average precision -.07).

    Raises ValueError for numbers that are not finite, or slopes below 0.
    """

    intercept: float
    slopes: Mapping[str, float]

    def __post_init__(self) -> None:
        numbers = [self.intercept, *self.slopes.values()]
        if not all(map(math.isfinite, numbers)) or any(slope < 0 for slope in self.slopes.values()):
            raise ValueError(f"learned weights must be finite, and slopes not negative: {self}")

    def compute_log_odds(
        self, scores: Mapping[str, npt.ArrayLike], weights: Mapping[str, float]
    ) -> dict[str, Scores]:
        """(n,) the intercept and what each space with a weight adds; NaN where there is no score.

        Their sum over what is not NaN is the log-odds of a match; the intercept is NaN where all abstain.
        Raises ValueError as `fuse_scores`, and for a space without learned weights.
        """
        stack, relative = stack_scores(scores, weights)
        names = sorted(name for name, weight in weights.items() if weight > 0)
        if unknown := [name for name in names if name not in self.slopes]:
            raise ValueError(f"no learned weights of {', '.join(unknown)}; known: {', '.join(self.slopes)}")
        parts = {
            name: self.slopes[name] * weight * to_log_odds(row)
            for name, row, weight in zip(names, stack, relative, strict=True)
        }
        has_score = ~np.isnan(stack).all(axis=0)
        return {INTERCEPT: np.where(has_score, self.intercept, np.nan), **parts}

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return asdict(self)


def sum_log_odds(parts: Mapping[str, Scores]) -> Scores:
    """(n,) probabilities of summed log-odds by `LogisticWeights.compute_log_odds`; NaN where all are."""
    stack = np.array(list(parts.values()))
    return np.where(np.isnan(stack).all(axis=0), np.nan, sigmoid(np.nansum(stack, axis=0)))


def to_log_odds(probabilities: npt.ArrayLike) -> Scores:
    """log(p / (1 - p)), within MAX_SPACE_LOG_ODDS either way; NaN stays NaN."""
    values = np.asarray(probabilities, np.float64)
    with np.errstate(divide="ignore"):
        log_odds = np.log(values) - np.log1p(-values)
    return np.clip(log_odds, -MAX_SPACE_LOG_ODDS, MAX_SPACE_LOG_ODDS)

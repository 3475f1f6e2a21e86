"""How the axes of two spaces lie to each other: which are reversed, and whether they are swapped."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.alignment.bootstrap import GroupBootstrap, make_estimate
from experiments.alignment.diagnostics import MAX_CCC_COLUMNS
from experiments.alignment.folds import FoldedPairs
from experiments.alignment.pairs import Floats
from retrieval.evaluation import Estimate


@dataclass(frozen=True, kw_only=True)
class AxisRelation:
    """Correlations of the source's axes with the target's.

    is_swapped: whether, in the plane, each axis of the source follows the other axis of the target more than
        its own, beyond the interval
    reversed_columns: the target's columns with which their axis of the source correlates below zero, beyond
        the interval
    correlations: of each column of the target with the axis of the source that it follows
    """

    is_swapped: bool
    reversed_columns: tuple[str, ...]
    correlations: tuple[Estimate, ...]

    def describe(self) -> str:
        """Such as "axes swapped, arousal reversed"; empty where the axes lie as they should."""
        parts = ["axes swapped"] if self.is_swapped else []
        if self.reversed_columns:
            parts.append(f"{' and '.join(self.reversed_columns)} reversed")
        return ", ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            "swapped": self.is_swapped, "reversed": self.reversed_columns,
            "r": [estimate.to_json() for estimate in self.correlations],
        }  # fmt: skip


def relate_axes(data: FoldedPairs, bootstrap: GroupBootstrap) -> AxisRelation | None:
    """The relation of the axes of all pairs; None for spaces whose axes are not of the same name."""
    pairs, width = data.pairs, data.target.shape[1]
    has_same_axes = width == 1 or pairs.source_columns in ((), pairs.columns)
    if data.source.shape[1] != width or width > MAX_CCC_COLUMNS or not has_same_axes:
        return None
    values, draws = _correlate_columns(data.source, data.target, bootstrap)
    own, crossed = np.arange(width), np.arange(width)[::-1]
    is_swapped = False
    if width == 2:
        gain = np.abs(draws[:, crossed, own]).sum(axis=1) - np.abs(draws[:, own, own]).sum(axis=1)
        low = make_estimate(float("nan"), gain).low
        is_swapped = low is not None and low > 0
    correlations = tuple(
        make_estimate(float(values[source, column]), draws[:, source, column])
        for column, source in enumerate(crossed if is_swapped else own)
    )
    return AxisRelation(
        is_swapped=is_swapped,
        correlations=correlations,
        reversed_columns=tuple(
            name
            for name, estimate in zip(pairs.columns, correlations, strict=True)
            if estimate.high is not None and estimate.high < 0
        ),
    )


def _correlate_columns(source: Floats, target: Floats, bootstrap: GroupBootstrap) -> tuple[Floats, Floats]:
    """(p, q) Pearson correlations of all columns, and (draws, p, q); NaN for constant columns."""
    x, y = source - source.mean(axis=0), target - target.mean(axis=0)
    width, other = x.shape[1], y.shape[1]
    products = np.stack([x[:, i] * y[:, j] for i, j in itertools.product(range(width), range(other))], axis=1)
    terms = np.concatenate([np.ones((len(x), 1)), x, y, x * x, y * y, products], axis=1)

    def correlate(sums: Floats) -> Floats:
        ends = np.cumsum([width, other, width, other])
        mean_x, mean_y, xx, yy, xy = np.split(sums[:, 1:] / sums[:, :1], ends, axis=1)
        covariance = xy.reshape(-1, width, other) - mean_x[:, :, None] * mean_y[:, None]
        variance = np.clip(xx - mean_x**2, 0, None)[:, :, None] * np.clip(yy - mean_y**2, 0, None)[:, None]
        return np.divide(
            covariance, np.sqrt(variance), out=np.full(covariance.shape, np.nan), where=variance > 1e-20
        )

    return correlate(terms.sum(axis=0)[None])[0], correlate(bootstrap.sum_by_draw(terms))

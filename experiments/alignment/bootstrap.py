"""Bootstrap intervals over whole groups; the same draws for all figures, so that differences are paired."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from experiments.alignment.pairs import Floats
from retrieval.evaluation import Estimate
from retrieval.evaluation.resampling import number_groups

BOOTSTRAP_DRAWS = 2000
CONFIDENCE_LEVEL = 0.95

DrawnValue = tuple[float, Floats]
"""A statistic, and its value in each bootstrap draw (draws,)."""


class GroupBootstrap:
    """Bootstrap draws of whole groups, as the number of times that each draw takes each group."""

    def __init__(self, groups: npt.ArrayLike, seed: int) -> None:
        self._group_index = number_groups(len(np.asarray(groups)), groups)
        self.group_count = int(self._group_index.max()) + 1
        rng = np.random.default_rng(seed)
        shares = np.full(self.group_count, 1 / self.group_count)
        self._weights = rng.multinomial(self.group_count, shares, size=BOOTSTRAP_DRAWS).astype(np.float64)

    def sum_by_draw(self, values: Floats) -> Floats:
        """(draws, k) sums of values (m, k) over the rows of each draw."""
        group_sums = np.zeros((self.group_count, values.shape[1]))
        np.add.at(group_sums, self._group_index, values)
        return np.asarray(self._weights @ group_sums)

    def ratio(self, numerator: Floats, denominator: Floats) -> DrawnValue:
        """The ratio of the sums of (m,) values."""
        sums = self.sum_by_draw(np.stack([numerator, denominator], axis=1))
        drawn = np.divide(sums[:, 0], sums[:, 1], out=np.full(len(sums), np.nan), where=sums[:, 1] != 0)
        return float(numerator.sum() / denominator.sum()), drawn

    def mean(self, values: Floats) -> Estimate | None:
        """The mean of (m,) values without those that are NaN; None where all are."""
        is_present = ~np.isnan(values)
        if not is_present.any():
            return None
        return make_estimate(*self.ratio(np.where(is_present, values, 0), is_present.astype(np.float64)))

    def ccc(self, predictions: Floats, targets: Floats) -> tuple[Floats, Floats]:
        """(q,) concordance correlation coefficient (Lin 1989) of each column of (m, q), and (draws, q)."""
        x, y = predictions - targets.mean(axis=0), targets - targets.mean(axis=0)
        terms = np.concatenate([x, y, x * x, y * y, x * y, np.ones((len(x), 1))], axis=1)
        return _compute_ccc(terms.sum(axis=0)[None])[0], _compute_ccc(self.sum_by_draw(terms))


def make_estimate(value: float, draws: Floats) -> Estimate:
    """A value with the percentile interval of its bootstrap draws (draws,), without where none is defined."""
    if np.isnan(draws).all():
        return Estimate(value=value)
    low, high = np.nanquantile(draws, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
    return Estimate(value=value, low=float(low), high=float(high))


def estimate_reduction(value: DrawnValue, reference: DrawnValue) -> Estimate:
    """How much lower a value is than a reference, reference - value, over the same draws."""
    return make_estimate(reference[0] - value[0], reference[1] - value[1])


def _compute_ccc(sums: Floats) -> Floats:
    """(b, q) from sums (b, 5 q + 1) of x, y, x^2, y^2, x y and 1; NaN for constant columns."""
    count = sums[:, -1:]
    x, y, xx, yy, xy = np.split(sums[:, :-1] / count, 5, axis=1)
    denominator = (xx - x**2) + (yy - y**2) + (x - y) ** 2
    return np.divide(
        2 * (xy - x * y), denominator, out=np.full(denominator.shape, np.nan), where=denominator > 1e-15
    )

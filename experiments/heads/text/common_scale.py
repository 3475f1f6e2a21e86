"""One scale for every kind of text: predictions stretched to the spread of the ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spaces import Regressor
from spaces.joint import Tower
from spaces.joint.kernel_ridge import to_float32

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class CommonScale:
    """A linear map of predictions, valence and arousal apart: factors (2,) about a centre (2,)."""

    factors: Floats
    centre: Floats

    def __call__(self, predictions: npt.NDArray[np.floating]) -> Floats:
        """(n, 2) stretched."""
        return np.asarray(self.centre + self.factors * (predictions - self.centre))

    def apply_to(self, regressor: Regressor) -> Regressor:
        """The regressor with this map built into its towers, which have no layers."""
        return Regressor(towers=tuple(self._stretch_tower(tower) for tower in regressor.towers))

    def _stretch_tower(self, tower: Tower) -> Tower:
        bias = self.centre + self.factors * (tower.bias - self.centre)
        inputs = {
            role: replace(reader, weight=to_float32(reader.weight * self.factors))
            for role, reader in tower.inputs.items()
        }
        return Tower(inputs=inputs, bias=to_float32(bias))


def fit_common_scale(
    predictions: npt.NDArray[np.floating],
    ratings: Floats,
    kinds: npt.NDArray[np.str_],
    kinds_by_corpus: Mapping[str, Sequence[str]],
) -> CommonScale:
    """From held-out predictions (n, 2): what makes them spread as the ratings do, of the corpora in the mean.

    Least squares shrinks predictions to the mean, by r^2 in variance. The concordance correlation is the
    larger the nearer both spreads are, and r stays (Lin 1989). Raters' scales differ, and a query does not
    say whose it is on: one factor for all texts, the geometric mean over the corpora, each weighing the same,
    as do its kinds. Corpora without a text are left out.
    """
    log_ratios, centres = [], []
    for names in kinds_by_corpus.values():
        present = [rows for name in names if (rows := kinds == name).any()]
        if present:
            ratios = [ratings[rows].std(axis=0) / predictions[rows].std(axis=0) for rows in present]
            log_ratios.append(np.mean(np.log(ratios), axis=0))
            centres.append(np.mean([predictions[rows].mean(axis=0) for rows in present], axis=0))
    return CommonScale(factors=np.exp(np.mean(log_ratios, axis=0)), centre=np.mean(centres, axis=0))

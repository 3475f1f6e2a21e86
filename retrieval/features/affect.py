"""Affect all in all: what the senses say of one thing, joined by how far each can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, missing
from fusion.affect_fusion import precision_mean, shares
from spaces.affect_regression import COLUMNS, SENSES, trust


@dataclass(frozen=True, kw_only=True, eq=False)
class Felt:
    """The affect of n items.

    senses: rows (n, 4) by sense, NaN where it abstains
    rows:   (n, 4) joined; NaN where all abstain
    """

    senses: Mapping[str, Rows]
    rows: Rows

    @property
    def shares(self) -> dict[str, Rows]:
        """(n, 2) by sense: its part in valence and in arousal; 0 where it abstained, NaN where all did."""
        if not self.senses:
            return {}
        believed = trust()
        found = shares(self.senses, believed.reliability, correlation=believed.correlation)
        return {sense: np.asarray(part, np.float32) for sense, part in found.items()}


def felt(senses: Mapping[str, Rows], count: int) -> Felt:
    """Join what the senses say of `count` items."""
    known = {sense: senses[sense] for sense in SENSES if sense in senses}
    if not known:
        return Felt(senses={}, rows=np.full((count, 4), np.nan, np.float32))
    believed = trust()
    rows = precision_mean(known, believed.reliability, correlation=believed.correlation)
    return Felt(senses=known, rows=np.asarray(rows, np.float32))


def lengths(spans: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) how much each segment weighs in a whole: its seconds, of spans (n, 2); a picture weighs 1."""
    seconds = spans[:, 1] - spans[:, 0]
    return np.where(np.isnan(seconds), 1.0, np.maximum(seconds, 1e-3))


def told(row: Rows) -> dict[str, float] | None:
    """A row (4,) as JSON tells of it; None where it abstains."""
    if missing(row[None])[0]:
        return None
    return {name: round(float(value), 4) for name, value in zip(COLUMNS, row, strict=True)}

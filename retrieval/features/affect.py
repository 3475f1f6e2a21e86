"""Affect all in all: what the senses say of one thing, joined by how far each can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from fusion import compute_modality_weights, precision_weighted_mean
from spaces.affect_regression import AFFECT_COLUMNS, AFFECT_MODALITIES, load_modality_reliability


@dataclass(frozen=True, kw_only=True, eq=False)
class AffectEstimate:
    """The affect of n items.

    by_modality: rows (n, 4) by sense, NaN where it abstains
    fused:  (n, 4) joined; NaN where all abstain
    """

    by_modality: Mapping[str, Rows]
    fused: Rows

    @property
    def weights(self) -> dict[str, Rows]:
        """(n, 2) by sense: its part in valence and in arousal; 0 where it abstained, NaN where all did."""
        if not self.by_modality:
            return {}
        believed = load_modality_reliability()
        found = compute_modality_weights(
            self.by_modality, believed.reliability, correlation=believed.correlation
        )
        return {sense: np.asarray(part, np.float32) for sense, part in found.items()}


def fuse_affect(by_modality: Mapping[str, Rows], count: int) -> AffectEstimate:
    """Join what the senses say of `count` items."""
    known = {sense: by_modality[sense] for sense in AFFECT_MODALITIES if sense in by_modality}
    if not known:
        return AffectEstimate(by_modality={}, fused=np.full((count, 4), np.nan, np.float32))
    believed = load_modality_reliability()
    rows = precision_weighted_mean(known, believed.reliability, correlation=believed.correlation)
    return AffectEstimate(by_modality=known, fused=np.asarray(rows, np.float32))


def compute_duration_weights(spans: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) how much each segment weighs in a whole: its seconds, of spans (n, 2); a picture weighs 1."""
    seconds = spans[:, 1] - spans[:, 0]
    return np.where(np.isnan(seconds), 1.0, np.maximum(seconds, 1e-3))


def affect_to_json(row: Rows) -> dict[str, float] | None:
    """A row (4,) as JSON tells of it; None where it abstains."""
    if is_missing_row(row[None])[0]:
        return None
    return {name: round(float(value), 4) for name, value in zip(AFFECT_COLUMNS, row, strict=True)}

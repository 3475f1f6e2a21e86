"""Affect of items: estimates of the modalities, fused by their reliability."""

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

    by_modality: affect rows (n, 4) by modality, NaN where it abstains
    fused:       affect rows (n, 4); NaN where all modalities abstain
    """

    by_modality: Mapping[str, Rows]
    fused: Rows

    @property
    def weights(self) -> dict[str, Rows]:
        """(n, 2) by modality: its weight in the fused valence and arousal.

        0 where it abstains, NaN where all do.
        """
        if not self.by_modality:
            return {}
        fitted = load_modality_reliability()
        weights = compute_modality_weights(
            self.by_modality, fitted.reliability, correlation=fitted.correlation
        )
        return {modality: np.asarray(rows, np.float32) for modality, rows in weights.items()}


def fuse_affect(by_modality: Mapping[str, Rows], count: int) -> AffectEstimate:
    """Fuse affect rows (count, 4) of AFFECT_MODALITIES by precision and reliability."""
    known = {name: by_modality[name] for name in AFFECT_MODALITIES if name in by_modality}
    if not known:
        return AffectEstimate(by_modality={}, fused=np.full((count, 4), np.nan, np.float32))
    fitted = load_modality_reliability()
    rows = precision_weighted_mean(known, fitted.reliability, correlation=fitted.correlation)
    return AffectEstimate(by_modality=known, fused=np.asarray(rows, np.float32))


def compute_duration_weights(spans: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n,) weights of segments in their item: their duration in seconds, of spans (n, 2); 1 for an image."""
    seconds = spans[:, 1] - spans[:, 0]
    return np.where(np.isnan(seconds), 1.0, np.maximum(seconds, 1e-3))


def affect_to_json(row: Rows) -> dict[str, float] | None:
    """An affect row (4,) as JSON; None where it abstains."""
    if is_missing_row(row[None])[0]:
        return None
    return {name: round(float(value), 4) for name, value in zip(AFFECT_COLUMNS, row, strict=True)}

"""Three senses or more at once: generalised Procrustes analysis, and whether shuffled senses do as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.alignment.pairs import MultimodalReadings
from retrieval.evaluation.procrustes import compute_upper_p_value, draw_permutations
from spaces.alignment import fit_generalised_procrustes

PERMUTATION_DRAWS = 199  # each is an analysis of its own


@dataclass(frozen=True, kw_only=True)
class GpaResult:
    """disparity: scatter about the consensus as a share of all, not held out; null: mean of shuffled senses.

    reflected_modalities: which senses are mirrored against the first
    """

    name: str
    modalities: tuple[str, ...]
    row_count: int
    disparity: float
    p: float
    null_disparity: float
    reflected_modalities: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            "set": self.name, "senses": self.modalities, "rows": self.row_count, "disparity": self.disparity,
            "p": self.p, "shuffled": self.null_disparity, "reflections": self.reflected_modalities,
        }  # fmt: skip


def run_generalised_procrustes(
    readings: MultimodalReadings, *, seed: int, draws: int = PERMUTATION_DRAWS
) -> GpaResult | None:
    """Of blocks of one width; None for fewer than three senses, or of two widths, or without whole rows.

    All senses but the first are shuffled, each in its own order, as far as rows are exchangeable.
    """
    senses = tuple(readings.by_modality)
    clouds = (
        np.stack(list(readings.by_modality.values())) if _has_one_width(readings) else np.empty((0, 0, 0))
    )
    if len(senses) < 3 or not clouds.size:
        return None
    whole = ~np.isnan(clouds).any(axis=(0, 2))
    clouds, groups = clouds[:, whole], readings.row_groups[whole]
    if whole.sum() < 3 or (clouds.std(axis=1) == 0).all(axis=1).any():
        return None
    found = fit_generalised_procrustes(list(clouds))
    orders = [
        draw_permutations(len(groups), draws, seed=seed + at, groups=groups, exchange=readings.exchange)
        for at in range(1, len(senses))
    ]
    null = np.array(
        [
            fit_generalised_procrustes(
                [clouds[0], *(c[o[draw]] for c, o in zip(clouds[1:], orders, strict=True))]
            ).disparity
            for draw in range(draws)
        ]
    )
    turned = [bool(one.notes["reflection"]) for one in found.maps]
    mirrored = [name for name, one in zip(senses, turned, strict=True) if one != turned[0]]
    return GpaResult(
        name=readings.name,
        modalities=senses,
        row_count=int(whole.sum()),
        disparity=found.disparity,
        p=compute_upper_p_value(-found.disparity, -null),
        null_disparity=float(null.mean()),
        reflected_modalities=tuple(mirrored),
    )


def _has_one_width(readings: MultimodalReadings) -> bool:
    return len({len(columns) for columns in readings.columns.values()}) == 1

"""Generalised Procrustes analysis of three modalities or more, with a permutation test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.alignment.pairs import Floats, MultimodalReadings, Strings
from retrieval.evaluation.permutation_tests import compute_upper_p_value, draw_permutations
from spaces.alignment import fit_generalised_procrustes

PERMUTATION_DRAWS = 199  # each is an analysis of its own
MIN_ROWS, MIN_MODALITIES = 3, 3  # complete rows and modalities of an analysis


@dataclass(frozen=True, kw_only=True)
class GpaResult:
    """Result of the analysis.

    disparity: scatter about the consensus as a share of all scatter; not held out
    null_disparity: mean of the analyses of permuted modalities
    reflected_modalities: modalities whose map reflects where that of the first does not, or the reverse
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
    """Analyse readings of one width, with all modalities but the first permuted for the null distribution.

    None for fewer than three modalities, for modalities of different widths, and where there are fewer than
    three complete rows or a modality is constant.
    """
    complete = _stack_complete_rows(readings)
    if complete is None:
        return None
    clouds, groups = complete
    modalities = tuple(readings.by_modality)
    analysis = fit_generalised_procrustes(list(clouds))
    permutations = [
        draw_permutations(len(groups), draws, seed=seed + at, groups=groups, exchange=readings.exchange)
        for at in range(1, len(modalities))
    ]
    null_disparities = []
    for draw in range(draws):
        permuted = [cloud[orders[draw]] for cloud, orders in zip(clouds[1:], permutations, strict=True)]
        null_disparities.append(fit_generalised_procrustes([clouds[0], *permuted]).disparity)
    reflects = [bool(fitted_map.notes["reflection"]) for fitted_map in analysis.maps]
    return GpaResult(
        name=readings.name,
        modalities=modalities,
        row_count=len(groups),
        disparity=analysis.disparity,
        p=compute_upper_p_value(-analysis.disparity, -np.array(null_disparities)),
        null_disparity=float(np.array(null_disparities).mean()),
        reflected_modalities=tuple(
            name for name, flag in zip(modalities, reflects, strict=True) if flag != reflects[0]
        ),
    )


def _stack_complete_rows(readings: MultimodalReadings) -> tuple[Floats, Strings] | None:
    """(modalities, n, k) the rows without a missing value, and the group of each (n,); None if unusable."""
    widths = {len(columns) for columns in readings.columns.values()}
    if len(readings.by_modality) < MIN_MODALITIES or len(widths) != 1:
        return None
    clouds = np.stack(list(readings.by_modality.values()))
    is_complete = ~np.isnan(clouds).any(axis=(0, 2))
    clouds = clouds[:, is_complete]
    if not clouds.size or is_complete.sum() < MIN_ROWS or (clouds.std(axis=1) == 0).all(axis=1).any():
        return None
    return clouds, readings.row_groups[is_complete]

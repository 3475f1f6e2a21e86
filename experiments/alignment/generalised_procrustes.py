"""Three senses or more at once: generalised Procrustes analysis, and whether shuffled senses do as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.alignment.pairs import Blocks
from retrieval.evaluation.procrustes import shuffles, upper_p
from spaces.alignment import generalised

DRAWS = 199  # each is an analysis of its own


@dataclass(frozen=True, kw_only=True)
class Together:
    """disparity: scatter about the consensus as a share of all, not held out; null: mean of shuffled senses.

    reflections: which senses are mirrored against the first
    """

    name: str
    senses: tuple[str, ...]
    rows: int
    disparity: float
    p: float
    null: float
    reflections: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            "set": self.name, "senses": self.senses, "rows": self.rows, "disparity": self.disparity,
            "p": self.p, "shuffled": self.null, "reflections": self.reflections,
        }  # fmt: skip


def superimposed(blocks: Blocks, *, seed: int, draws: int = DRAWS) -> Together | None:
    """Of blocks of one width; None for fewer than three senses, or of two widths, or without whole rows.

    All senses but the first are shuffled, each in its own order, as far as rows are exchangeable.
    """
    senses = tuple(blocks.readings)
    clouds = np.stack(list(blocks.readings.values())) if _of_one_width(blocks) else np.empty((0, 0, 0))
    if len(senses) < 3 or not clouds.size:
        return None
    whole = ~np.isnan(clouds).any(axis=(0, 2))
    clouds, groups = clouds[:, whole], blocks.owner[whole]
    if whole.sum() < 3 or (clouds.std(axis=1) == 0).all(axis=1).any():
        return None
    found = generalised(list(clouds))
    orders = [
        shuffles(len(groups), draws, seed=seed + at, groups=groups, exchange=blocks.exchange)
        for at in range(1, len(senses))
    ]
    null = np.array([
        generalised([clouds[0], *(c[o[draw]] for c, o in zip(clouds[1:], orders, strict=True))]).disparity
        for draw in range(draws)
    ])  # fmt: skip
    turned = [bool(one.notes["reflection"]) for one in found.maps]
    mirrored = [name for name, one in zip(senses, turned, strict=True) if one != turned[0]]
    return Together(
        name=blocks.name, senses=senses, rows=int(whole.sum()), disparity=found.disparity,
        p=upper_p(-found.disparity, -null), null=float(null.mean()), reflections=tuple(mirrored),
    )  # fmt: skip


def _of_one_width(blocks: Blocks) -> bool:
    return len({len(columns) for columns in blocks.columns.values()}) == 1

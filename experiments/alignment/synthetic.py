"""Synthetic pairs of spaces with a known relation, and the maps that are expected to recover it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from experiments.alignment.pairs import AFFECT_COLUMNS, Floats, PairedReadings
from spaces.circumplex import find_quadrants

PAIR_COUNT, GROUP_SIZE = 375, 15  # of which a fifth is held out, so that there are 300 anchors
SOURCE_SD = (0.4, 0.3)  # standard deviation of valence and arousal in the source
ROTATION_DEGREES, SCALE, SHIFT = 50.0, 1.3, (0.1, -0.2)
NOISE_SD = 0.12  # standard deviation, on both axes of the target
RECOVERY_TOLERANCE = 0.05  # a map whose disparity exceeds the oracle's by no more has recovered a relation

SIMILARITY_MAPS = frozenset({
    "similarity", "procrustes", "affine", "ridge", "CCA", "PLS", "kernel ridge", "learned mapping", "MLP",
})  # fmt: skip
REGRESSION_MAPS = SIMILARITY_MAPS - {"similarity", "procrustes"}
NONLINEAR_MAPS = frozenset({"kernel ridge", "learned mapping", "MLP"})


@dataclass(frozen=True, kw_only=True)
class SyntheticCase:
    """A relation, the noise on both axes of the target, and the maps that are expected to recover it."""

    description: str
    relation: Callable[[Floats, np.random.Generator], Floats]
    recovering_maps: frozenset[str]
    noise_sd: float = NOISE_SD
    is_related: bool = True


def make_rotation(degrees: float) -> Floats:
    """(2, 2) matrix that rotates rows anticlockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def _rotate(points: Floats, rng: np.random.Generator) -> Floats:
    return points @ make_rotation(ROTATION_DEGREES)


def _apply_similarity(points: Floats, rng: np.random.Generator) -> Floats:
    return SCALE * points @ make_rotation(ROTATION_DEGREES) + SHIFT


def _reflect(points: Floats, rng: np.random.Generator) -> Floats:
    return SCALE * points[:, ::-1] + SHIFT


def _shear(points: Floats, rng: np.random.Generator) -> Floats:
    return points @ np.array([[0.5, 0.9], [-1.5, 0.3]]) + SHIFT


def _bend(points: Floats, rng: np.random.Generator) -> Floats:
    x, y = (points / SOURCE_SD).T
    return 0.35 * np.stack([np.tanh(1.5 * x) + 0.7 * (y**2 - 1), y - 0.6 * (x**2 - 1)], axis=1)


def _draw_unrelated(points: Floats, rng: np.random.Generator) -> Floats:
    return rng.normal(size=points.shape) * SOURCE_SD


CASES: Mapping[str, SyntheticCase] = {
    "rotation": SyntheticCase(
        description="turned by 50 degrees, without noise",
        relation=_rotate,
        noise_sd=0.0,
        recovering_maps=SIMILARITY_MAPS | {"rotation", "orthogonal"},
    ),
    "similarity": SyntheticCase(
        description="turned by 50 degrees, 1.3 times as wide, shifted",
        relation=_apply_similarity,
        recovering_maps=SIMILARITY_MAPS,
    ),
    "reflection": SyntheticCase(
        description="axes swapped, 1.3 times as wide, shifted",
        relation=_reflect,
        recovering_maps=SIMILARITY_MAPS - {"similarity"},
    ),
    "shear": SyntheticCase(
        description="an affine map of unequal stretch", relation=_shear, recovering_maps=REGRESSION_MAPS
    ),
    "non-linear": SyntheticCase(
        description="bent: each axis follows the square of the other",
        relation=_bend,
        recovering_maps=NONLINEAR_MAPS,
    ),
    "unrelated": SyntheticCase(
        description="two clouds that have nothing to do with each other",
        relation=_draw_unrelated,
        recovering_maps=frozenset(),
        noise_sd=0.0,
        is_related=False,
    ),
}


def make_synthetic_pairs(name: str, *, seed: int = 0) -> PairedReadings:
    """Draw one of CASES; emotions are quadrants of the source. Raises KeyError for an unknown name."""
    case = CASES[name]
    rng = np.random.default_rng((seed, list(CASES).index(name)))
    source = rng.normal(size=(PAIR_COUNT, 2)) * SOURCE_SD
    related = case.relation(source, rng)
    target = related + case.noise_sd * rng.normal(size=related.shape)
    return PairedReadings(
        name=f"synthetic {name}", modalities=("source", "target"), source=source, target=target,
        columns=AFFECT_COLUMNS, groups=(np.arange(PAIR_COUNT) // GROUP_SIZE).astype(str),
        emotions=np.array(find_quadrants(source)), notes=(case.description,),
    )  # fmt: skip


def compute_oracle_disparity(name: str, pairs: PairedReadings) -> float:
    """The disparity of the true relation, the noise's share of the target's variance; 1 if there is none."""
    case = CASES[name]
    if not case.is_related:
        return 1.0
    return 2 * case.noise_sd**2 / float(pairs.target.var(axis=0).sum())

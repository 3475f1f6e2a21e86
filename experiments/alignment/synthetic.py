"""Built-in pairs of spaces whose relation is known, and which maps are expected to recover it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from experiments.alignment.pairs import Floats, Pairs
from spaces.circumplex import quadrant

ROWS, GROUPED = 375, 15  # of which a fifth is held out, so that 300 are left to learn from
SPREAD = (0.4, 0.3)  # of valence and arousal in the source
DEGREES, SCALE, SHIFT = 50.0, 1.3, (0.1, -0.2)
NOISE = 0.12  # standard deviation, on both axes of the target
NEAR = 0.05  # a map has recovered a relation if its disparity is at most so far above the noise's

ANY = frozenset({
    "similarity", "procrustes", "affine", "ridge", "CCA", "PLS", "kernel ridge", "learned mapping", "MLP",
})  # fmt: skip
REGRESSION = ANY - {"similarity", "procrustes"}
CURVED = frozenset({"kernel ridge", "learned mapping", "MLP"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A relation and the maps that are expected to recover it; `noise` on both axes of the target."""

    told: str
    relation: Callable[[Floats, np.random.Generator], Floats]
    recovers: frozenset[str]
    noise: float = NOISE
    shared: bool = True


def turn(degrees: float) -> Floats:
    """(2, 2) by which rows are turned anticlockwise."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, sin], [-sin, cos]])


def _rotated(points: Floats, rng: np.random.Generator) -> Floats:
    return points @ turn(DEGREES)


def _similar(points: Floats, rng: np.random.Generator) -> Floats:
    return SCALE * points @ turn(DEGREES) + SHIFT


def _mirrored(points: Floats, rng: np.random.Generator) -> Floats:
    return SCALE * points[:, ::-1] + SHIFT


def _sheared(points: Floats, rng: np.random.Generator) -> Floats:
    return points @ np.array([[0.5, 0.9], [-1.5, 0.3]]) + SHIFT


def _bent(points: Floats, rng: np.random.Generator) -> Floats:
    x, y = (points / SPREAD).T
    return 0.35 * np.stack([np.tanh(1.5 * x) + 0.7 * (y**2 - 1), y - 0.6 * (x**2 - 1)], axis=1)


def _unrelated(points: Floats, rng: np.random.Generator) -> Floats:
    return rng.normal(size=points.shape) * SPREAD


CASES: Mapping[str, Case] = {
    "rotation": Case(
        told="turned by 50 degrees, without noise", relation=_rotated, noise=0.0,
        recovers=ANY | {"rotation", "orthogonal"},
    ),
    "similarity": Case(
        told="turned by 50 degrees, 1.3 times as wide, shifted", relation=_similar, recovers=ANY
    ),
    "reflection": Case(
        told="axes swapped, 1.3 times as wide, shifted", relation=_mirrored, recovers=ANY - {"similarity"}
    ),
    "shear": Case(told="an affine map of unequal stretch", relation=_sheared, recovers=REGRESSION),
    "non-linear": Case(
        told="bent: each axis follows the square of the other", relation=_bent, recovers=CURVED
    ),
    "unrelated": Case(
        told="two clouds that have nothing to do with each other", relation=_unrelated,
        recovers=frozenset(), noise=0.0, shared=False,
    ),
}  # fmt: skip


def synthetic(name: str, *, seed: int = 0) -> Pairs:
    """One of CASES as pairs; emotions are quadrants of the source. Raises KeyError for another name."""
    case = CASES[name]
    rng = np.random.default_rng((seed, list(CASES).index(name)))
    source = rng.normal(size=(ROWS, 2)) * SPREAD
    clean = case.relation(source, rng)
    target = clean + case.noise * rng.normal(size=clean.shape)
    return Pairs(
        name=f"synthetic {name}", senses=("source", "target"), source=source, target=target,
        columns=("valence", "arousal"), groups=(np.arange(ROWS) // GROUPED).astype(str),
        emotions=np.array(quadrant(source)), notes=(case.told,),
    )  # fmt: skip


def oracle(name: str, pairs: Pairs) -> float:
    """The disparity that the true relation would leave: the noise's share."""
    case = CASES[name]
    if not case.shared:
        return 1.0
    return 2 * case.noise**2 / float(pairs.target.var(axis=0).sum())

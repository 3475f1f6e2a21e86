"""The report's learned mapping taken apart: what each part of its loss is for, on the bent synthetic pair.

Section 9.2 says that without its last two terms all would run into one point, that linear f1 and f2 make it a
linear map, and that without f1 and f2 the values go half-way to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from experiments.alignment.pairs import Floats
from experiments.alignment.study import Material, disparity
from losses.affect import mapping_loss
from spaces.alignment.learned import STEPS, Joint, Steps, joint
from spaces.alignment.linear import least_squares

LOSS = partial(mapping_loss, reduction="mean")
ALONE = partial(LOSS, keep_audio=0, keep_image=0)
KEPT = 30.0  # weight of the keeping terms where the new values are held close to f1 and f2
COLLAPSED = 0.1  # of the spread of bounded origins: less is one point

PARTS: Mapping[str, tuple[str, Callable[..., Joint]]] = {
    "whole": ("all three terms, non-linear f1 and f2", partial(joint, loss=LOSS)),
    "first term alone": (
        "without the terms that keep a2 near f1(a1) and i2 near f2(i1)",
        partial(joint, loss=ALONE, how=Steps(steps=2 * STEPS.steps)),
    ),
    "unbounded f": (
        "f1 and f2 that may be anything, as the report leaves them",
        partial(joint, loss=LOSS, origins="free", how=Steps(steps=2 * STEPS.steps)),
    ),
    "without f": ("the readings themselves in place of f1 and f2", partial(joint, loss=LOSS, origins="none")),
    "linear f": (
        "linear f1 and f2, models that may still bend",
        partial(joint, loss=LOSS, linear_origins=True),
    ),
    "linear f, held": (
        f"linear f1 and f2, the keeping terms with weight {KEPT:g}",
        partial(joint, loss=partial(LOSS, keep_audio=KEPT, keep_image=KEPT), linear_origins=True),
    ),
    "all linear": ("linear f1, f2 and models", partial(joint, loss=LOSS, how=Steps(hidden=0))),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Part:
    """One variant, held out by folds.

    spread:    of a2 and i2, where f1 and f2 have 1; near 0 it has collapsed
    bent:      share of a2's variance that no affine map of a1 gives; 0 for a linear map
    disparity: held out, as for any map
    """

    name: str
    told: str
    spread: float
    bent: float
    disparity: float

    @property
    def collapsed(self) -> bool:
        """Whether the new values have run into one point."""
        return self.spread < COLLAPSED

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            "variant": self.name, "told": self.told, "spread": self.spread, "collapsed": self.collapsed,
            "not affine": self.bent, "disparity": self.disparity,
        }  # fmt: skip


def taken_apart(known: Material, name: str, *, seed: int) -> Part:
    """One of PARTS on the folds of a set."""
    told, fit = PARTS[name]
    found = [fit(fold.source, fold.target, seed=seed) for fold in known.folds]
    mapped = [one.aligned.transform(fold.new_source) for one, fold in zip(found, known.folds, strict=True)]
    bent = [_bent(one, fold.source) for one, fold in zip(found, known.folds, strict=True)]
    return Part(
        name=name, told=told, spread=float(np.mean([one.spread for one in found])),
        bent=float(np.mean(bent)), disparity=disparity(np.concatenate(mapped), known),
    )  # fmt: skip


def _bent(found: Joint, source: Floats) -> float:
    new = found.aligned.meet_source(source)
    left = new - least_squares(source, new)(source)
    return float(left.var(axis=0).sum() / new.var(axis=0).sum())

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
from experiments.alignment.study import FoldedPairs, disparity
from losses.affect import mapping_loss
from spaces.alignment.learned import DEFAULT_DESCENT, DescentConfig, JointMapping, fit_joint_mapping
from spaces.alignment.linear import fit_least_squares

MEAN_MAPPING_LOSS = partial(mapping_loss, reduction="mean")
FIRST_TERM_LOSS = partial(MEAN_MAPPING_LOSS, audio_weight=0, image_weight=0)
HIGH_KEEP_WEIGHT = 30.0  # weight of the keeping terms where the new values are held close to f1 and f2
COLLAPSED_SPREAD = 0.1  # of the spread of bounded origins: less is one point

LOSS_VARIANTS: Mapping[str, tuple[str, Callable[..., JointMapping]]] = {
    "whole": ("all three terms, non-linear f1 and f2", partial(fit_joint_mapping, loss=MEAN_MAPPING_LOSS)),
    "first term alone": (
        "without the terms that keep a2 near f1(a1) and i2 near f2(i1)",
        partial(
            fit_joint_mapping, loss=FIRST_TERM_LOSS, config=DescentConfig(steps=2 * DEFAULT_DESCENT.steps)
        ),
    ),
    "unbounded f": (
        "f1 and f2 that may be anything, as the report leaves them",
        partial(
            fit_joint_mapping,
            loss=MEAN_MAPPING_LOSS,
            origins="free",
            config=DescentConfig(steps=2 * DEFAULT_DESCENT.steps),
        ),
    ),
    "without f": (
        "the readings themselves in place of f1 and f2",
        partial(fit_joint_mapping, loss=MEAN_MAPPING_LOSS, origins="none"),
    ),
    "linear f": (
        "linear f1 and f2, models that may still bend",
        partial(fit_joint_mapping, loss=MEAN_MAPPING_LOSS, linear_origins=True),
    ),
    "linear f, held": (
        f"linear f1 and f2, the keeping terms with weight {HIGH_KEEP_WEIGHT:g}",
        partial(
            fit_joint_mapping,
            loss=partial(MEAN_MAPPING_LOSS, audio_weight=HIGH_KEEP_WEIGHT, image_weight=HIGH_KEEP_WEIGHT),
            linear_origins=True,
        ),
    ),
    "all linear": (
        "linear f1, f2 and models",
        partial(fit_joint_mapping, loss=MEAN_MAPPING_LOSS, config=DescentConfig(hidden_units=0)),
    ),
}


@dataclass(frozen=True, kw_only=True)
class VariantResult:
    """One variant, held out by folds.

    spread:    of a2 and i2, where f1 and f2 have 1; near 0 it has collapsed
    non_affine_share: share of a2's variance that no affine map of a1 gives; 0 for a linear map
    disparity: held out, as for any map
    """

    name: str
    description: str
    spread: float
    non_affine_share: float
    disparity: float

    @property
    def is_collapsed(self) -> bool:
        """Whether the new values have run into one point."""
        return self.spread < COLLAPSED_SPREAD

    def to_json(self) -> dict[str, Any]:
        """As written to results.json."""
        return {
            "variant": self.name,
            "told": self.description,
            "spread": self.spread,
            "collapsed": self.is_collapsed,
            "not affine": self.non_affine_share,
            "disparity": self.disparity,
        }


def evaluate_variant(data: FoldedPairs, name: str, *, seed: int) -> VariantResult:
    """One of PARTS on the folds of a set."""
    told, fit = LOSS_VARIANTS[name]
    found = [fit(fold.source, fold.target, seed=seed) for fold in data.folds]
    mapped = [
        one.mapping.transform(fold.held_out_source) for one, fold in zip(found, data.folds, strict=True)
    ]
    bent = [_measure_non_affine_share(one, fold.source) for one, fold in zip(found, data.folds, strict=True)]
    return VariantResult(
        name=name, description=told, spread=float(np.mean([one.spread for one in found])),
        non_affine_share=float(np.mean(bent)), disparity=disparity(np.concatenate(mapped), data),
    )  # fmt: skip


def _measure_non_affine_share(mapping: JointMapping, source: Floats) -> float:
    new = mapping.mapping.project_source(source)
    left = new - fit_least_squares(source, new)(source)
    return float(left.var(axis=0).sum() / new.var(axis=0).sum())

"""Ablation of the circumplex report's learned mapping: the effect of each part of its loss.

On the non-linear synthetic pair. Section 9.2 of the report claims that without its last two terms all values
collapse to one point, that linear f1 and f2 make it a linear map, and that without f1 and f2 the values meet
half-way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from experiments.alignment.folds import FoldedPairs
from experiments.alignment.map_evaluation import disparity
from experiments.alignment.pairs import Floats
from losses import mapping_loss
from spaces.alignment.learned import DEFAULT_DESCENT, DescentConfig, JointMapping, fit_joint_mapping
from spaces.alignment.linear import fit_least_squares

MEAN_MAPPING_LOSS = partial(mapping_loss, reduction="mean")
FIRST_TERM_LOSS = partial(MEAN_MAPPING_LOSS, audio_weight=0, image_weight=0)
HIGH_KEEP_WEIGHT = 30.0  # of the terms that keep a2 near f1(a1) and i2 near f2(i1)
COLLAPSED_SPREAD = 0.1  # spread below which values have collapsed; bounded f1 and f2 have 1

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
    """Held-out results of one variant of the loss.

    spread:    mean standard deviation of a2 and i2, where bounded f1 and f2 have 1
    non_affine_share: share of a2's variance that no affine map of a1 explains; 0 for a linear map
    disparity: held out, as for any map
    """

    name: str
    description: str
    spread: float
    non_affine_share: float
    disparity: float

    @property
    def is_collapsed(self) -> bool:
        """Whether the new values have collapsed to one point."""
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

    def to_cache_json(self) -> dict[str, str | float]:
        """As stored among the outcomes of maps."""
        return {
            "name": self.name,
            "told": self.description,
            "spread": self.spread,
            "bent": self.non_affine_share,
            "disparity": self.disparity,
        }

    @classmethod
    def from_cache_json(cls, stored: Mapping[str, Any]) -> VariantResult:
        """The result that `to_cache_json` gave. Raises KeyError or TypeError for anything else."""
        return cls(
            name=stored["name"], description=stored["told"], spread=stored["spread"],
            non_affine_share=stored["bent"], disparity=stored["disparity"],
        )  # fmt: skip


def evaluate_variant(data: FoldedPairs, name: str, *, seed: int) -> VariantResult:
    """Fit one of LOSS_VARIANTS on every fold of a set."""
    description, fit = LOSS_VARIANTS[name]
    mappings = [fit(fold.source, fold.target, seed=seed) for fold in data.folds]
    folded_mappings = list(zip(mappings, data.folds, strict=True))
    mapped = [mapping.mapping.transform(fold.held_out_source) for mapping, fold in folded_mappings]
    non_affine = [_measure_non_affine_share(mapping, fold.source) for mapping, fold in folded_mappings]
    return VariantResult(
        name=name, description=description, spread=float(np.mean([mapping.spread for mapping in mappings])),
        non_affine_share=float(np.mean(non_affine)), disparity=disparity(np.concatenate(mapped), data),
    )  # fmt: skip


def _measure_non_affine_share(mapping: JointMapping, source: Floats) -> float:
    projected = mapping.mapping.project_source(source)
    residuals = projected - fit_least_squares(source, projected)(source)
    return float(residuals.var(axis=0).sum() / projected.var(axis=0).sum())

"""Warnings about a map (collapsed, no better than chance) and about a set (too few rows, groups or draws)."""

from __future__ import annotations

import math

import numpy as np

from experiments.alignment.bootstrap import CONFIDENCE_LEVEL
from experiments.alignment.folds import FoldedPairs
from experiments.alignment.map_evaluation import MapOutcome
from experiments.alignment.pairs import Floats
from experiments.alignment.study_config import StudyConfig
from retrieval.evaluation import Estimate
from spaces.alignment import AlignmentMethod

MAX_CCC_COLUMNS = 4  # columns of the target that are reported one by one
COLLAPSED_SPREAD_RATIO = 0.1  # of the target's standard deviation: an axis mapped to less has collapsed
COLLINEAR_CORRELATION = 0.98  # correlation of two mapped axes above which they are one axis
MIN_GROUPS = 10  # groups below which a bootstrap over groups is too narrow
MIN_ANCHORS_PER_COLUMN = 10  # anchors per column of the source below which a linear map may fit noise
MIN_PERMUTED_GROUPS = 6  # groups below which p values of permuted groups are coarse (5! = 120)


def list_map_warnings(
    method: AlignmentMethod, data: FoldedPairs, outcome: MapOutcome, disparity: Estimate
) -> list[str]:
    """Warnings about the outcome of a map."""
    warnings = []
    mapped_sd, target_sd = outcome.mapped.std(axis=0), data.target.std(axis=0)
    collapsed = [
        name
        for name, mapped, target in zip(data.pairs.columns, mapped_sd, target_sd, strict=True)
        if target > 0 and mapped < COLLAPSED_SPREAD_RATIO * target
    ]
    if collapsed and len(collapsed) < len(data.pairs.columns):
        warnings.append(
            f"collapsed on {', '.join(collapsed)}"
            if len(collapsed) <= MAX_CCC_COLUMNS
            else f"collapsed on {len(collapsed)} axes"
        )
    elif collapsed:
        warnings.append("collapsed on every axis: hardly more than the mean")
    elif len(mapped_sd) == 2 and _is_collinear(outcome.mapped):
        warnings.append("collapsed on a line: both axes tell the same")
    null_disparities = outcome.null_disparities
    if null_disparities.size and disparity.value > null_disparities.min() and method.kind != "none":
        warnings.append("a map of shuffled pairs did as well")
    return warnings


def list_set_warnings(
    data: FoldedPairs, group_count: int, map_count: int, config: StudyConfig
) -> tuple[str, ...]:
    """Warnings about a set of `group_count` groups on which `map_count` maps were fitted."""
    warnings = []
    if map_count / (config.draws + 1) >= 1 - CONFIDENCE_LEVEL:
        warnings.append(
            f"{config.draws} shuffles are too few for {map_count} maps: no p can be small after Holm"
        )
    min_anchors = min(len(fold.source) for fold in data.folds)
    width = data.source.shape[1]
    if min_anchors < MIN_ANCHORS_PER_COLUMN * width:
        warnings.append(
            f"{min_anchors} anchors for {width} columns of the source, fewer than "
            f"{MIN_ANCHORS_PER_COLUMN} a column: maps "
            "with a weight a column may follow chance"
        )
    if group_count < MIN_GROUPS:
        warnings.append(f"{group_count} groups: intervals from so few are too narrow")
    if data.pairs.exchange == "groups":
        half = len(np.unique(data.pairs.groups[data.half_split.held_out_rows]))
        if half < MIN_PERMUTED_GROUPS:
            warnings.append(f"{half} groups can be shuffled in only {math.factorial(half)} ways: p is coarse")
    if data.pairs.construction:
        warnings.append(f"no true pairs: {data.pairs.construction}")
    return tuple(warnings)


def _is_collinear(points: Floats) -> bool:
    """Whether the two axes of points (m, 2) are correlated so closely that they are one."""
    standard = (points - points.mean(axis=0)) / np.maximum(points.std(axis=0), 1e-12)
    return bool(abs(np.mean(standard[:, 0] * standard[:, 1])) > COLLINEAR_CORRELATION)

"""A pair of towers in closed form from media rows to their texts: ridge regression (Hoerl & Kennard 1970),
linear or in a kernel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from spaces.joint.kernel_ridge import (
    Floats,
    KernelRidgeConfig,
    TextProjection,
    compute_whitening,
    fit_kernel_tower_pair,
    make_text_tower,
    to_float32,
    unit_rows_float64,
)
from spaces.joint.space import LinearInput, Tower, TowerPair
from spaces.joint.training_set import TrainingSet
from spaces.ridge_regression import solve_ridge
from spaces.standardisation import MIN_RELATIVE_SD, compute_mean_and_scale

Ints = npt.NDArray[np.int64]

SCATTER_SHRINKAGE = 0.1  # of the texts' scatter towards a multiple of the identity


@dataclass(frozen=True, kw_only=True, eq=False)
class TextTargets:
    """Targets (items, k), unit rows, and the text tower's centre (d,) and matrix (d, k) that gave them."""

    centre: Floats
    matrix: Floats
    targets: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class _StandardisedInput:
    """Mean and scale (d,) of one role over the first views, and all views standardised (items, views, d)."""

    mean: Floats
    scale: Floats
    views: Floats


def fit_ridge_tower_pair(
    training_set: TrainingSet, *, strength: float = 2.0, whitening_strength: float = 0.0
) -> TowerPair:
    """A tower pair in closed form. An item's target is the mean of its texts.

    strength:           of the penalty, times the mean squared length of the standardised rows
    whitening_strength: 0 leaves the texts' scatter as it is, 1 makes all directions alike (ZCA: Kessy, Lewin
                        & Strimmer 2018), so that what many texts share counts for less

    Items that lack a role or a text are left out; every view of an item counts as an item. Raises ValueError
    where no item is complete.
    """
    items = find_complete_items(training_set)
    text = compute_text_targets(training_set, items, whitening_strength)
    inputs = {
        role: _standardise_input(rows, training_set.first_views[role], items)
        for role, rows in training_set.features.items()
    }
    weight = _fit_media_weight([entry.views for entry in inputs.values()], text.targets, strength)
    return TowerPair(media=_make_media_tower(inputs, weight), text=make_text_tower(text.centre, text.matrix))


def fit_kernel_ridge_tower_pair(
    training_set: TrainingSet, config: KernelRidgeConfig, *, whitening_strength: float = 0.0
) -> TowerPair:
    """As `fit_ridge_tower_pair`, with kernel ridge in place of the linear map; landmarks average any items.

    Views after the first share the weight of their item. Raises ValueError where no item is complete.
    """
    items = find_complete_items(training_set)
    text = compute_text_targets(training_set, items, whitening_strength)
    views = {
        role: (rows[:, None] if rows.ndim == 2 else rows)[items]
        for role, rows in training_set.features.items()
    }
    return fit_kernel_tower_pair(
        {role: rows[:, 0] for role, rows in views.items()},
        [""] * len(items),
        text.targets - text.targets.mean(axis=0),
        TextProjection(centre=text.centre, matrix=text.matrix, prompt_rows=text.targets),
        config,
        augmented_features={role: rows[:, 1:] for role, rows in views.items()},
    )


def compute_text_targets(training_set: TrainingSet, items: Ints, whitening_strength: float) -> TextTargets:
    """The mean of each item's whitened texts, unit length."""
    owner, texts = training_set.item_by_text, unit_rows_float64(training_set.sentence_vectors)
    is_used = np.isin(owner, items) & ~np.isnan(texts).any(axis=1)
    centre = texts[is_used].mean(axis=0)
    centred = texts[is_used] - centre
    scatter = centred.T @ centred / len(centred)
    matrix = compute_whitening(
        scatter, SCATTER_SHRINKAGE * np.trace(scatter) / len(scatter), whitening_strength
    )
    sums = np.zeros((training_set.item_count, texts.shape[1]))
    np.add.at(sums, owner[is_used], unit_rows_float64(centred @ matrix))
    return TextTargets(centre=centre, matrix=matrix, targets=unit_rows_float64(sums[items]))


def _standardise_input(rows: Rows, first_views: Rows, items: Ints) -> _StandardisedInput:
    """Of rows (items, d) or (items, views, d)."""
    mean, scale = compute_mean_and_scale(
        first_views[items].astype(np.float64), min_relative_sd=MIN_RELATIVE_SD
    )
    views = rows[:, None] if rows.ndim == 2 else rows
    return _StandardisedInput(mean=mean, scale=scale, views=(views[items].astype(np.float64) - mean) / scale)


def _fit_media_weight(views: Sequence[Floats], targets: Floats, strength: float) -> list[Floats]:
    """Weights (d, k) of each role's standardised rows (items, views, d) onto targets (items, k), centred."""
    columns = np.concatenate(views, axis=2)  # (items, views, all columns)
    repeated = np.repeat(targets - targets.mean(axis=0), columns.shape[1], axis=0)
    weight = solve_ridge(columns.reshape(-1, columns.shape[2]), repeated, strength)
    return np.split(weight, np.cumsum([rows.shape[2] for rows in views])[:-1])


def _make_media_tower(inputs: Mapping[str, _StandardisedInput], weights: Sequence[Floats]) -> Tower:
    zeros = np.zeros(weights[0].shape[1], np.float32)
    layers = {
        role: LinearInput(
            mean=to_float32(entry.mean),
            scale=to_float32(entry.scale),
            weight=to_float32(weight),
            absent=zeros,
        )
        for (role, entry), weight in zip(inputs.items(), weights, strict=True)
    }
    return Tower(inputs=layers, bias=zeros)


def find_complete_items(training_set: TrainingSet) -> Ints:
    """Items with every role in every view, and a text. Raises ValueError where there is none."""
    is_complete = np.ones(training_set.item_count, bool)
    for rows in training_set.features.values():
        is_complete &= ~is_missing_row(rows.reshape(training_set.item_count, -1))
    has_vector = ~np.isnan(training_set.sentence_vectors).any(axis=1)
    has_text = np.isin(np.arange(training_set.item_count), training_set.item_by_text[has_vector])
    items = np.flatnonzero(is_complete & has_text)
    if not len(items):
        raise ValueError(f"no item has rows of {', '.join(training_set.features)} and texts")
    return items

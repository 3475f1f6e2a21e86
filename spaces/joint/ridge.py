"""The plain way to a joint space: media rows mapped onto their texts by least squares.

Ridge regression (Hoerl & Kennard 1970), solved in the dual where there are fewer items than columns.
"""

from __future__ import annotations

import numpy as np

from encoders.base import is_missing_row
from spaces.joint.kernel_ridge import (
    Floats,
    compute_whitening,
    make_text_tower,
    to_float32,
    unit_rows_float64,
)
from spaces.joint.space import MIN_RELATIVE_SD, LinearInput, Tower, TowerPair
from spaces.joint.training_set import TrainingSet

SCATTER_SHRINKAGE = 0.1  # of the words' scatter towards a multiple of the identity


def fit_ridge_tower_pair(
    training_set: TrainingSet, *, strength: float = 2.0, whitening_strength: float = 0.0
) -> TowerPair:
    """A member without any training by steps. An item's target is the mean of its texts.

    strength: of the penalty, times the mean of the kernel's diagonal
    whitening_strength: how far the words' scatter is evened out: 0 leaves it, 1 makes all directions alike
              (ZCA: Kessy, Lewin & Strimmer 2018); what many texts share then counts for less

    Items that lack a role or a text are left out; every view of an item is an item. Raises ValueError where
    no item has all.
    """
    owner, texts = training_set.item_by_text, unit_rows_float64(training_set.sentence_vectors)
    kept = _find_complete_items(training_set)
    if not len(kept):
        raise ValueError(f"no item has rows of {', '.join(training_set.features)} and texts")
    here = np.isin(owner, kept) & ~np.isnan(texts).any(axis=1)
    centre = texts[here].mean(axis=0)
    centred = texts[here] - centre
    scatter = centred.T @ centred / len(centred)
    turn = compute_whitening(
        scatter, SCATTER_SHRINKAGE * np.trace(scatter) / len(scatter), whitening_strength
    )
    said = unit_rows_float64(centred @ turn)
    sums = np.zeros((training_set.item_count, texts.shape[1]))
    np.add.at(sums, owner[here], said)
    wanted = unit_rows_float64(sums[kept])
    means, scales, columns = {}, {}, []
    for role, rows in training_set.features.items():
        means[role], scales[role] = _compute_moments(training_set.first_views[role][kept].astype(np.float64))
        views = rows[:, None] if rows.ndim == 2 else rows
        columns.append((views[kept].astype(np.float64) - means[role]) / scales[role])
    seen = np.concatenate(columns, axis=2)  # (items, views, all columns)
    repeated = np.repeat(wanted - wanted.mean(axis=0), seen.shape[1], axis=0)
    weight = solve_ridge(seen.reshape(-1, seen.shape[2]), repeated, strength)
    parts = np.split(weight, np.cumsum([rows.shape[2] for rows in columns])[:-1])
    nothing = np.zeros(weight.shape[1], np.float32)
    media = {
        role: LinearInput(
            mean=to_float32(means[role]),
            scale=to_float32(scales[role]),
            weight=to_float32(part),
            absent=nothing,
        )
        for role, part in zip(means, parts, strict=True)
    }
    return TowerPair(media=Tower(inputs=media, bias=nothing), text=make_text_tower(centre, turn))


def _compute_moments(rows: Floats) -> tuple[Floats, Floats]:
    """Mean and scale (d,) of rows (n, d); a column that does not vary is left as large as it is."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    return mean, np.where(spread > MIN_RELATIVE_SD * np.maximum(np.abs(mean), 1), spread, 1)


def solve_ridge(rows: Floats, targets: Floats, strength: float) -> Floats:
    """(d, k) weights from rows (n, d) to wanted (n, k), by the smaller of two systems."""
    penalty = strength * float((rows**2).sum(axis=1).mean())
    if len(rows) < rows.shape[1]:
        kernel = rows @ rows.T + penalty * np.eye(len(rows))
        return np.asarray(rows.T @ np.linalg.solve(kernel, targets))
    return np.asarray(np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ targets))


def _find_complete_items(training_set: TrainingSet) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Items with every role in every view, and a text."""
    there = np.ones(training_set.item_count, bool)
    for rows in training_set.features.values():
        there &= ~is_missing_row(rows.reshape(training_set.item_count, -1))
    said = ~np.isnan(training_set.sentence_vectors).any(axis=1)
    return np.flatnonzero(
        there & np.isin(np.arange(training_set.item_count), training_set.item_by_text[said])
    )

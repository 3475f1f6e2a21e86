"""The plain way to a joint space: media rows mapped onto their texts by least squares.

Ridge regression (Hoerl & Kennard 1970), solved in the dual where there are fewer items than columns.
"""

from __future__ import annotations

import numpy as np

from encoders.base import missing
from spaces.joint.kernel_ridge import Floats, single, text_tower, unit64, whitening
from spaces.joint.space import LEAST_SPREAD, Member, Reader, Tower
from spaces.joint.training_set import Material

SHRINKAGE = 0.1  # of the words' scatter towards a multiple of the identity


def ridge(material: Material, *, strength: float = 2.0, whiten: float = 0.0) -> Member:
    """A member without any training by steps. An item's target is the mean of its texts.

    strength: of the penalty, times the mean of the kernel's diagonal
    whiten:   how far the words' scatter is evened out: 0 leaves it, 1 makes all directions alike
              (ZCA: Kessy, Lewin & Strimmer 2018); what many texts share then counts for less

    Items that lack a role or a text are left out; every view of an item is an item. Raises ValueError where
    no item has all.
    """
    owner, texts = material.owner, unit64(material.vectors)
    kept = _complete(material)
    if not len(kept):
        raise ValueError(f"no item has rows of {', '.join(material.media)} and texts")
    here = np.isin(owner, kept) & ~np.isnan(texts).any(axis=1)
    centre = texts[here].mean(axis=0)
    centred = texts[here] - centre
    scatter = centred.T @ centred / len(centred)
    turn = whitening(scatter, SHRINKAGE * np.trace(scatter) / len(scatter), whiten)
    said = unit64(centred @ turn)
    sums = np.zeros((material.items, texts.shape[1]))
    np.add.at(sums, owner[here], said)
    wanted = unit64(sums[kept])
    means, scales, columns = {}, {}, []
    for role, rows in material.media.items():
        means[role], scales[role] = _moments(material.plain[role][kept].astype(np.float64))
        views = rows[:, None] if rows.ndim == 2 else rows
        columns.append((views[kept].astype(np.float64) - means[role]) / scales[role])
    seen = np.concatenate(columns, axis=2)  # (items, views, all columns)
    repeated = np.repeat(wanted - wanted.mean(axis=0), seen.shape[1], axis=0)
    weight = least_squares(seen.reshape(-1, seen.shape[2]), repeated, strength)
    parts = np.split(weight, np.cumsum([rows.shape[2] for rows in columns])[:-1])
    nothing = np.zeros(weight.shape[1], np.float32)
    media = {
        role: Reader(
            mean=single(means[role]), scale=single(scales[role]), weight=single(part), absent=nothing
        )
        for role, part in zip(means, parts, strict=True)
    }
    return Member(media=Tower(readers=media, bias=nothing), text=text_tower(centre, turn))


def _moments(rows: Floats) -> tuple[Floats, Floats]:
    """Mean and scale (d,) of rows (n, d); a column that does not vary is left as large as it is."""
    mean, spread = rows.mean(axis=0), rows.std(axis=0)
    return mean, np.where(spread > LEAST_SPREAD * np.maximum(np.abs(mean), 1), spread, 1)


def least_squares(rows: Floats, wanted: Floats, strength: float) -> Floats:
    """(d, k) weights from rows (n, d) to wanted (n, k), by the smaller of two systems."""
    penalty = strength * float((rows**2).sum(axis=1).mean())
    if len(rows) < rows.shape[1]:
        kernel = rows @ rows.T + penalty * np.eye(len(rows))
        return np.asarray(rows.T @ np.linalg.solve(kernel, wanted))
    return np.asarray(np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ wanted))


def _complete(material: Material) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Items with every role in every view, and a text."""
    there = np.ones(material.items, bool)
    for rows in material.media.values():
        there &= ~missing(rows.reshape(material.items, -1))
    said = ~np.isnan(material.vectors).any(axis=1)
    return np.flatnonzero(there & np.isin(np.arange(material.items), material.owner[said]))

"""The plain way to a joint space: media rows mapped onto their texts by least squares.

Ridge regression (Hoerl & Kennard 1970), solved in the dual where there are fewer items than columns.
"""

from __future__ import annotations

import numpy as np

from encoders.base import missing
from spaces.joint import TEXT, Member, Reader, Tower
from spaces.kernel import Floats, single, unit64
from spaces.material import Material

SHRINKAGE = 0.1  # of the words' scatter towards a multiple of the identity
SMALLEST = 1e-6  # standard deviation of a column below which it does not vary


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
    turn = _whitening(texts[here] - centre, whiten)
    said = unit64((texts[here] - centre) @ turn)
    sums = np.zeros((material.items, texts.shape[1]))
    np.add.at(sums, owner[here], said)
    wanted = unit64(sums[kept])
    views = {role: rows[:, None] if rows.ndim == 2 else rows for role, rows in material.media.items()}
    readers, columns = {}, []
    for role, rows in views.items():
        plain = rows[kept, 0].astype(np.float64)
        mean, scale = plain.mean(axis=0), plain.std(axis=0)
        scale = np.where(scale > SMALLEST * np.maximum(np.abs(mean), 1), scale, 1)
        columns.append((rows[kept].astype(np.float64) - mean) / scale)
        readers[role] = mean, scale
    seen = np.concatenate(columns, axis=2)  # (items, views, all columns)
    count = seen.shape[1]
    weight = least_squares(
        seen.reshape(-1, seen.shape[2]), np.repeat(wanted - wanted.mean(axis=0), count, axis=0), strength
    )
    parts = np.split(weight, np.cumsum([rows.shape[2] for rows in columns])[:-1])
    nothing = np.zeros(weight.shape[1], np.float32)
    media = {
        role: Reader(mean=single(mean), scale=single(scale), weight=single(part), absent=nothing)
        for (role, (mean, scale)), part in zip(readers.items(), parts, strict=True)
    }
    words = Reader(
        mean=single(centre), scale=np.ones(len(centre), np.float32), weight=single(turn), absent=nothing
    )
    return Member(media=Tower(readers=media, bias=nothing), text=Tower(readers={TEXT: words}, bias=nothing))


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


def _whitening(rows: Floats, share: float) -> Floats:
    """(k, k) the scatter of centred rows (n, k), shrunk, to the power of -share / 2."""
    scatter = rows.T @ rows / len(rows)
    values, vectors = np.linalg.eigh(scatter)
    floor = SHRINKAGE * np.trace(scatter) / len(scatter)
    return np.asarray((vectors * (np.maximum(values, 0) + floor) ** (-share / 2)) @ vectors.T)

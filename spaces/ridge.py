"""The plain way to a joint space: media rows mapped onto their texts' mean vector by least squares."""

from __future__ import annotations

import numpy as np

from encoders.base import Rows, missing, unit_rows
from spaces.joint import TEXT, Member, Reader, Tower
from spaces.material import Ints


def ridge(media: Rows, role: str, texts: Rows, owner: Ints, strength: float = 3.0) -> Member:
    """A member whose words lie where the language model put them, less their mean (Hoerl & Kennard 1970).

    media:    (items, d) raw rows, standardised here; the missing ones are left out
    texts:    (texts, k) raw sentence vectors, of which each item's mean is the target
    owner:    (texts,) the item each tells of
    strength: of the penalty, times the number of columns

    Raises ValueError where no item has both.
    """
    counts = np.bincount(owner, minlength=len(media))
    kept = np.flatnonzero(~missing(media) & (counts > 0))
    if not len(kept):
        raise ValueError(f"no item has both rows of {role} and texts")
    unit = unit_rows(texts)
    centre = unit.mean(axis=0)
    sums = np.zeros((len(media), texts.shape[1]))
    np.add.at(sums, owner, unit - centre)
    targets = unit_rows(np.asarray(sums[kept] / counts[kept, None], np.float32))
    rows = media[kept].astype(np.float64)
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    weight, bias = least_squares((rows - mean) / scale, targets, strength * rows.shape[1])
    norm = float(np.linalg.norm(texts, axis=1).mean())  # so that centring raw vectors is centring unit ones
    identity = Reader(
        mean=np.asarray(centre * norm, np.float32),
        scale=np.ones(len(centre), np.float32),
        weight=np.eye(len(centre), dtype=np.float32),
        absent=np.zeros(len(centre), np.float32),
    )
    reader = Reader(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        weight=weight,
        absent=np.zeros(weight.shape[1], np.float32),
    )
    return Member(
        media=Tower(readers={role: reader}, bias=bias),
        text=Tower(readers={TEXT: identity}, bias=np.zeros(len(centre), np.float32)),
    )


def least_squares(rows: Rows, targets: Rows, penalty: float) -> tuple[Rows, Rows]:
    """Weight (d, k) and bias (k,) from centred rows (n, d) to targets (n, k): the smaller system of two."""
    bias = targets.mean(axis=0)
    wanted = targets - bias
    if len(rows) < rows.shape[1]:
        kernel = rows @ rows.T + penalty * np.eye(len(rows))
        weight = rows.T @ np.linalg.solve(kernel, wanted)
    else:
        weight = np.linalg.solve(rows.T @ rows + penalty * np.eye(rows.shape[1]), rows.T @ wanted)
    return weight.astype(np.float32), bias.astype(np.float32)

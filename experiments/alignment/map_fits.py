"""Families of linear maps with equal permutation tests, fitted on many targets of one source at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np

from experiments.alignment.pairs import Floats

MapFamily = Literal["none", "rotation", "orthogonal", "affine"]

FAMILIES: dict[str, MapFamily] = {
    "identity": "none", "z-score": "none", "rotation": "rotation", "similarity": "rotation",
    "orthogonal": "orthogonal", "procrustes": "orthogonal",
}  # fmt: skip
"""Family by map. All others can be any linear map, and are taken as least squares."""


def select_families(map_names: Collection[str]) -> tuple[MapFamily, ...]:
    """The families of maps by name, each once."""
    return tuple(dict.fromkeys(FAMILIES.get(name, "affine") for name in map_names))


def fit_families(
    families: Sequence[MapFamily], source: Floats, targets: Floats, held_out_source: Floats
) -> Floats:
    """(targets, families, m, q) held-out points (m, p) by maps from (n, p) to each of targets (t, n, q).

    Between spaces of two widths every family is least squares.
    """
    source_mean, target_means = source.mean(axis=0), targets.mean(axis=1, keepdims=True)
    x, y = source - source_mean, targets - target_means
    held_out = held_out_source - source_mean
    is_square = source.shape[1] == targets.shape[2]
    weights = {"affine": np.linalg.pinv(x) @ y}
    if is_square and {"rotation", "orthogonal"} & set(families):
        left, values, right = np.linalg.svd(x.T @ y)
        scatter = max(float((x**2).sum()), 1e-12)
        for family in ("rotation", "orthogonal"):
            signs = np.ones_like(values)
            if family == "rotation":
                signs[:, -1] = np.sign(np.linalg.det(left @ right))
            scale = (values * signs).sum(axis=1) / scatter
            weights[family] = scale[:, None, None] * ((left * signs[:, None]) @ right)
    mapped = []
    for family in families:
        if family == "none" and is_square:
            mapped.append(np.broadcast_to(held_out_source, (len(targets), *held_out_source.shape)))
        else:
            mapped.append(held_out @ weights[family if is_square else "affine"] + target_means)
    return np.stack(mapped, axis=1)

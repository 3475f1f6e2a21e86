"""Landmarks of a kernel: means of nearby items of one class, so that no item is stored alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def compute_landmarks(rows: Floats, classes: npt.ArrayLike, min_items: int) -> Floats:
    """(m, d) means of `min_items` to 2 * min_items - 1 nearby rows (n, d) of one class.

    Each class is halved along its first principal axis, and the halves again (Verma, Kpotufe & Dasgupta 2009,
    "Which spatial partition trees are adaptive to intrinsic dimension?"). A class with fewer rows gives one.
    """
    names = np.asarray(classes)
    clusters = [
        cluster
        for name in np.unique(names)
        for cluster in _split_cluster(rows, np.flatnonzero(names == name), min_items)
    ]
    return np.stack([rows[cluster].mean(axis=0) for cluster in clusters])


def compute_role_landmarks(
    standard: Mapping[str, Floats], classes: npt.ArrayLike, min_items: int
) -> dict[str, Floats]:
    """(m, d) landmarks by role, means of the same items, of standardised rows (n, d) by role."""
    ends = np.cumsum([rows.shape[1] for rows in standard.values()])[:-1]
    joined = compute_landmarks(np.concatenate(list(standard.values()), axis=1), classes, min_items)
    return dict(zip(standard, np.split(joined, ends, axis=1), strict=True))


def _split_cluster(rows: Floats, row_indices: Ints, min_items: int) -> list[Ints]:
    if len(row_indices) < 2 * min_items:
        return [row_indices]
    centred = rows[row_indices] - rows[row_indices].mean(axis=0)
    gram = centred @ centred.T  # its first eigenvector orders the rows along the first principal axis
    order = np.argsort(np.linalg.eigh(gram)[1][:, -1], kind="stable")
    half = len(row_indices) // 2
    return [
        cluster
        for side in (order[:half], order[half:])
        for cluster in _split_cluster(rows, row_indices[side], min_items)
    ]

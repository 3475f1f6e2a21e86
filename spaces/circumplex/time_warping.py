"""Dynamic time warping of sequences with a given path (Sakoe & Chiba 1978: symmetric, any slope).

A warping path pairs every step of a sequence with at least one step of the path, both in order. Its cost is
the weighted mean of the costs of its pairs: a step in both counts twice, a step in one of them once, so that
the weights of every path sum to the two lengths, and no path is favoured for being short.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spaces.circumplex.plane import Floats

Ints = npt.NDArray[np.int64]


def interpolate_path(waypoints: npt.ArrayLike, step_count: int) -> Floats:
    """(step_count, d) points at equal steps along straight lines through waypoints (w, d), a leg as long as
    any other; the first and last point are kept. One waypoint is repeated.

    Raises ValueError for no waypoints or no steps.
    """
    points = np.asarray(waypoints, np.float64)
    if not len(points) or step_count < 1:
        raise ValueError(f"{len(points)} waypoints in {step_count} steps make no path")
    times = np.linspace(0, len(points) - 1, step_count)
    return np.stack([np.interp(times, np.arange(len(points)), column) for column in points.T], axis=1)


def compute_warped_costs(costs: npt.ArrayLike, lengths: npt.ArrayLike) -> Floats:
    """(n,) the least mean cost of a warping path, of n sequences at once.

    costs:   (sum of lengths, m) cost of pairing each step of each sequence with each of m steps of the path
    lengths: (n,) steps of each sequence, at least 1

    Raises ValueError for lengths that do not fit, and for a path without steps.
    """
    table, counts = np.asarray(costs, np.float64), np.asarray(lengths, np.int64)
    if table.ndim != 2 or not table.shape[1] or counts.sum() != len(table) or (counts < 1).any():
        raise ValueError(f"costs {table.shape} do not fit sequences of {counts.tolist()} steps")
    order = np.argsort(-counts, kind="stable")  # longest first, so that those not yet over are in front
    firsts = (np.cumsum(counts) - counts)[order]
    sums = np.zeros((len(counts), table.shape[1]))
    for step in range(counts.max(initial=0)):
        running = int((counts > step).sum())
        rows = table[firsts[:running] + step]
        sums[:running] = _accumulate(sums[:running] if step else None, rows)
    result = np.empty(len(counts))
    result[order] = sums[:, -1] / (counts[order] + table.shape[1])
    return result


def find_warping_path(costs: npt.ArrayLike) -> Ints:
    """(p, 2) pairs of steps (sequence, path) of the warping path of least mean cost, from costs (t, m).

    Of equal ones the path that advances in both comes first.
    """
    table = np.asarray(costs, np.float64)
    sums = np.empty_like(table)
    for step, row in enumerate(table):
        sums[step] = _accumulate(sums[step - 1][None] if step else None, row[None])[0]
    at = (len(table) - 1, table.shape[1] - 1)
    pairs = [at]
    while at != (0, 0):
        i, j = at
        before = [pair for pair in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if min(pair) >= 0]
        at = min(before, key=lambda pair: sums[pair] + (1 + (pair == (i - 1, j - 1))) * table[i, j])
        pairs.append(at)
    return np.array(pairs[::-1], np.int64)


def _accumulate(previous: Floats | None, costs: Floats) -> Floats:
    """(n, m) least weighted sums up to a step, from those (n, m) of the step before; None for the first."""
    sums = np.empty_like(costs)
    sums[:, 0] = 2 * costs[:, 0] if previous is None else previous[:, 0] + costs[:, 0]
    for j in range(1, costs.shape[1]):
        best = sums[:, j - 1] + costs[:, j]
        if previous is not None:
            best = np.minimum(best, previous[:, j] + costs[:, j])
            best = np.minimum(best, previous[:, j - 1] + 2 * costs[:, j])
        sums[:, j] = best
    return sums

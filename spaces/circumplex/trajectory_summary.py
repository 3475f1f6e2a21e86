"""The course of affect over time, summarised: mean, ends, peak and slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spaces.circumplex.plane import Floats, distance


@dataclass(frozen=True, kw_only=True)
class AffectTrajectory:
    """Summary of affect over time, in points (valence, arousal).

    mean:         of the present points
    start, end:   the first and the last present point
    peak:         the present point farthest from the mean, the first of equals
    peak_seconds: its time
    slope:        change per minute of each dimension, by least squares; NaN with a single time
    """

    mean: tuple[float, float]
    start: tuple[float, float]
    end: tuple[float, float]
    peak: tuple[float, float]
    peak_seconds: float
    slope: tuple[float, float]


def summarise_trajectory(points: npt.ArrayLike, seconds: npt.ArrayLike) -> AffectTrajectory | None:
    """The summary of points (t, 2 or more) at `seconds` (t,), in order; missing points are skipped.

    None where every point is missing. Raises ValueError for shapes that do not fit.
    """
    rows, times = np.asarray(points, np.float64), np.asarray(seconds, np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2 or times.shape != (len(rows),):
        raise ValueError(f"points (t, 2) and seconds (t,) do not fit: {rows.shape}, {times.shape}")
    is_present = ~np.isnan(rows[:, :2]).any(axis=1)
    rows, times = rows[is_present, :2], times[is_present]
    if not len(rows):
        return None
    mean = rows.mean(axis=0)
    peak = int(distance(rows, mean).argmax())
    return AffectTrajectory(
        mean=_to_pair(mean), start=_to_pair(rows[0]), end=_to_pair(rows[-1]), peak=_to_pair(rows[peak]),
        peak_seconds=float(times[peak]), slope=_to_pair(_compute_slope(rows, times / 60)),
    )  # fmt: skip


def _compute_slope(rows: Floats, minutes: Floats) -> Floats:
    deviations = minutes - minutes.mean()
    scatter = float(deviations @ deviations)
    return deviations @ rows / scatter if scatter > 0 else np.full(2, np.nan)


def _to_pair(row: Floats) -> tuple[float, float]:
    return float(row[0]), float(row[1])

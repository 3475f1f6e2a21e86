"""Variation of readings inside segments of a video, and averages of segments.

The circumplex report (section 10.5) infers that segments of 15 s are too long: the emotion varies inside
them, so that its average is not meaningful.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SegmentDeviation:
    """Readings inside segments of one length.

    segment_length: in seconds
    segment_count: segments with two readings or more
    within_sd: (d,) root mean square standard deviation of the readings inside a segment
    between_sd: (d,) standard deviation of the segments' means
    within_share: (d,) share of the total variance of the readings that lies inside segments
    """

    segment_length: float
    segment_count: int
    within_sd: tuple[float, ...]
    between_sd: tuple[float, ...]
    within_share: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentMeans:
    """Readings averaged by segment: means (m, d), and video, first second and number of readings (m,)."""

    means: Floats
    videos: npt.NDArray[np.str_]
    starts: Floats
    counts: npt.NDArray[np.int64]


def average_segments(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> SegmentMeans:
    """Means over segments of readings (n, d) at `seconds` (n,) of the videos `video_ids` (n,).

    Segments of `segment_length` seconds follow each other from second 0 of each video; the last may be short.
    Rows with a missing reading are ignored; a segment without readings is left out. Raises ValueError for a
    length that is not above 0, rows of different numbers, or no readings.
    """
    values, videos, starts, number = _assign_segments(readings, seconds, video_ids, segment_length)
    counts = np.bincount(number)
    means = np.stack([np.bincount(number, column) for column in values.T], axis=1) / counts[:, None]
    return SegmentMeans(means=means, videos=videos, starts=starts, counts=counts)


def measure_deviation(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> SegmentDeviation:
    """Variation of readings (n, d) inside segments of `segment_length` seconds; NaN where no segment has two.

    Standard deviations divide by n - 1, so that those of short segments are not biased downwards. Raises as
    `average_segments`.
    """
    values, _, _, number = _assign_segments(readings, seconds, video_ids, segment_length)
    scatter, means, counts = _compute_scatter(values, number)
    has_two = counts >= 2
    if not has_two.any():
        missing = (float("nan"),) * values.shape[1]
        return SegmentDeviation(
            segment_length=segment_length,
            segment_count=0,
            within_sd=missing,
            between_sd=missing,
            within_share=missing,
        )
    within_variance = scatter.sum(axis=0) / (counts - 1).sum()
    total_variance = values.var(axis=0, ddof=1)
    missing_row = np.full(len(total_variance), np.nan)
    share = np.divide(within_variance, total_variance, out=missing_row.copy(), where=total_variance > 0)
    between_sd = means.std(axis=0, ddof=1) if len(means) > 1 else missing_row
    return SegmentDeviation(
        segment_length=segment_length,
        segment_count=int(has_two.sum()),
        within_sd=tuple(np.sqrt(within_variance).tolist()),
        between_sd=tuple(between_sd.tolist()),
        within_share=tuple(share.tolist()),
    )


def compute_segment_scatter(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> tuple[Floats, Floats, npt.NDArray[np.str_]]:
    """Of each segment: sum of squared deviations (m, d), degrees of freedom (m,), and its video (m,).

    The ratio of their sums is `SegmentDeviation.within_sd` squared. Raises as `average_segments`.
    """
    values, videos, _, number = _assign_segments(readings, seconds, video_ids, segment_length)
    scatter, _, counts = _compute_scatter(values, number)
    return scatter, (counts - 1).astype(np.float64), videos


def _compute_scatter(
    values: Floats, segment_ids: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Sums of squared deviations from the segments' means (m, d), those means (m, d), and counts (m,)."""
    counts = np.bincount(segment_ids)
    means = np.stack([np.bincount(segment_ids, column) for column in values.T], axis=1) / counts[:, None]
    squared = (values - means[segment_ids]) ** 2
    return np.stack([np.bincount(segment_ids, column) for column in squared.T], axis=1), means, counts


def _assign_segments(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> tuple[Floats, npt.NDArray[np.str_], Floats, npt.NDArray[np.int64]]:
    """Complete readings (r, d), video and first second of each segment (m,), and the segment of each (r,)."""
    values, times = np.asarray(readings, np.float64), np.asarray(seconds, np.float64)
    names = np.asarray(video_ids)
    if not segment_length > 0:
        raise ValueError(f"a segment has a length above 0 s, not {segment_length}")
    if values.ndim != 2 or times.shape != values.shape[:1] or names.shape != times.shape:
        raise ValueError(
            f"readings (n, d), seconds (n,) and videos (n,): {values.shape}, {times.shape}, {names.shape}"
        )
    is_complete = ~np.isnan(values).any(axis=1) & (times >= 0)
    if not is_complete.any():
        raise ValueError("no readings")
    values, times, names = values[is_complete], times[is_complete], names[is_complete]
    window = np.floor(times / segment_length + 1e-9).astype(np.int64)
    video_index = np.unique(names, return_inverse=True)[1]
    keys, first_row, number = np.unique(
        np.stack([video_index, window], axis=1), axis=0, return_index=True, return_inverse=True
    )
    return values, names[first_row].astype(str), keys[:, 1] * segment_length, number.reshape(-1)

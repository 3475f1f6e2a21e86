"""How much readings vary inside a segment: the report's first suspicion is that 15 s is too long.

Its inference (section 10.5): within the window the emotion deviates, so that its average means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DEFAULT_SEGMENT_LENGTHS_S = (2.0, 5.0, 10.0, 15.0)  # seconds


@dataclass(frozen=True, kw_only=True)
class SegmentDeviation:
    """Readings inside segments of one length.

    segment_length: the length; segments: how many have two readings or more
    within_sd: (d,) root mean square standard deviation of the readings inside a segment
    between_sd: (d,) standard deviation of the segments' means
    within_share: (d,) of all scatter of the readings, what lies inside segments: 0 none, 1 all of it
    """

    segment_length: float
    segment_count: int
    within_sd: tuple[float, ...]
    between_sd: tuple[float, ...]
    within_share: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentMeans:
    """Readings averaged by segment: means (m, d), of which video and from which second (m,)."""

    means: Floats
    videos: npt.NDArray[np.str_]
    starts: Floats
    counts: npt.NDArray[np.int64]


def average_segments(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> SegmentMeans:
    """Means of readings (n, d) taken at `seconds` (n,) of `video_ids` (n,), over windows of
    `segment_length` seconds.

    Windows follow each other from second 0 of each video; the last may be short. Missing readings count for
    nothing; a window without any is left out. Raises ValueError for a length that is not above 0 or rows that
    do not fit.
    """
    values, owner, first, number = _assign_segments(readings, seconds, video_ids, segment_length)
    counts = np.bincount(number)
    means = np.stack([np.bincount(number, column) for column in values.T], axis=1) / counts[:, None]
    return SegmentMeans(means=means, videos=owner, starts=first, counts=counts)


def measure_deviation(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> SegmentDeviation:
    """How readings (n, d) vary inside segments of `segment_length` seconds; NaN where no segment has two
    readings.

    Standard deviations have n - 1 below, so that short segments, with few readings, look no steadier for it.
    Raises as `segmented`.
    """
    values, _, _, number = _assign_segments(readings, seconds, video_ids, segment_length)
    scatter, means, counts = _compute_scatter(values, number)
    several = counts >= 2
    if not several.any():
        nothing = (float("nan"),) * values.shape[1]
        return SegmentDeviation(
            segment_length=segment_length,
            segment_count=0,
            within_sd=nothing,
            between_sd=nothing,
            within_share=nothing,
        )
    freedom = (counts - 1).sum()
    inside = scatter.sum(axis=0) / freedom
    total = values.var(axis=0, ddof=1)
    share = np.divide(inside, total, out=np.full(len(total), np.nan), where=total > 0)
    between = means.std(axis=0, ddof=1) if len(means) > 1 else np.full(len(total), np.nan)
    return SegmentDeviation(
        segment_length=segment_length,
        segment_count=int(several.sum()),
        within_sd=tuple(np.sqrt(inside).tolist()),
        between_sd=tuple(between.tolist()),
        within_share=tuple(share.tolist()),
    )


def compute_segment_scatter(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> tuple[Floats, Floats, npt.NDArray[np.str_]]:
    """Of each segment: squared distances from its mean (m, d), readings less one (m,), and its video (m,).

    The ratio of their sums is `Deviation.inside` squared. Raises as `segmented`.
    """
    values, owner, _, number = _assign_segments(readings, seconds, video_ids, segment_length)
    scatter, _, counts = _compute_scatter(values, number)
    return scatter, (counts - 1).astype(np.float64), owner


def _compute_scatter(
    values: Floats, segment_ids: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Scatter (m, d) inside segments, their means (m, d) and how many readings they have (m,)."""
    counts = np.bincount(segment_ids)
    means = np.stack([np.bincount(segment_ids, column) for column in values.T], axis=1) / counts[:, None]
    left = (values - means[segment_ids]) ** 2
    return np.stack([np.bincount(segment_ids, column) for column in left.T], axis=1), means, counts


def _assign_segments(
    readings: npt.ArrayLike, seconds: npt.ArrayLike, video_ids: npt.ArrayLike, segment_length: float
) -> tuple[Floats, npt.NDArray[np.str_], Floats, npt.NDArray[np.int64]]:
    values, times, names = (
        np.asarray(readings, np.float64),
        np.asarray(seconds, np.float64),
        np.asarray(video_ids),
    )
    if not segment_length > 0:
        raise ValueError(f"a segment has a length above 0 s, not {segment_length}")
    if values.ndim != 2 or times.shape != values.shape[:1] or names.shape != times.shape:
        raise ValueError(
            f"readings (n, d), seconds (n,) and videos (n,): {values.shape}, {times.shape}, {names.shape}"
        )
    here = ~np.isnan(values).any(axis=1) & (times >= 0)
    if not here.any():
        raise ValueError("no readings")
    window = np.floor(times[here] / segment_length + 1e-9).astype(np.int64)
    owner = np.unique(names[here], return_inverse=True)[1]
    keys, first, number = np.unique(
        np.stack([owner, window], axis=1), axis=0, return_index=True, return_inverse=True
    )
    return values[here], names[here][first].astype(str), keys[:, 1] * segment_length, number.reshape(-1)

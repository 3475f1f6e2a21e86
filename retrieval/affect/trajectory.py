"""The trajectory of affect over a segment: its valence and arousal every half second, or frame by frame."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from encoders import Rows, is_missing_row
from retrieval.affect.attribution import SegmentAffect
from retrieval.features import WINDOW_HOP_SECONDS, SegmentFeatures, fuse_affect

Floats = npt.NDArray[np.float64]
STEP_KEYS = ("start", "end", "valence", "arousal")
DECIMALS = 4


def compute_trajectory(segment_affect: SegmentAffect) -> list[dict[str, float]]:
    """Steps (start, end, valence, arousal) of a segment: every half second, or each frame of a silent film.

    At each step the modalities are fused as for the whole: the sound about it, the frame that is shown, and
    the faces of the segment. An image has no trajectory.
    """
    segment, (start, end) = segment_affect.segment, segment_affect.segment.span
    if start is None or end is None:
        return []
    starts, ends = _make_steps(segment, start, end)
    fused = fuse_affect(_estimate_at_steps(segment_affect, starts, ends), len(starts)).fused
    steps = np.column_stack([starts, ends, fused[:, :2]])[~is_missing_row(fused)].tolist()
    return [dict(zip(STEP_KEYS, (round(value, DECIMALS) for value in step), strict=True)) for step in steps]


def _estimate_at_steps(segment_affect: SegmentAffect, starts: Floats, ends: Floats) -> dict[str, Rows]:
    """Affect (steps, 4) by modality; NaN beyond the end of the sound."""
    rows: dict[str, Rows] = {}
    if (windows := segment_affect.window_affect) is not None:
        beyond = len(starts) - len(windows)
        rows["sound"] = np.pad(windows, ((0, beyond), (0, 0)), constant_values=np.nan)
    if segment_affect.frame_affect is not None:
        distance = np.abs(segment_affect.segment.frame_times[:, None] - (starts + ends) / 2)
        rows["image"] = segment_affect.frame_affect[distance.argmin(axis=0)]
    if "face" in segment_affect.by_modality:
        rows["face"] = np.repeat(segment_affect.by_modality["face"], len(starts), axis=0)
    return rows


def _make_steps(segment: SegmentFeatures, start: float, end: float) -> tuple[Floats, Floats]:
    """(n,) starts and ends of the steps in seconds."""
    if len(segment.window_starts) or not len(segment.frame_times):
        count = max(math.ceil((end - start) / WINDOW_HOP_SECONDS - 1e-6), len(segment.window_starts), 1)
        starts = start + WINDOW_HOP_SECONDS * np.arange(count)
    else:
        starts = segment.frame_times - segment.frame_times[0] + start
    return np.asarray(starts, np.float64), np.append(starts[1:], max(end, starts[-1]))

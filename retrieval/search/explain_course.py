"""Which part of the course of mood asked for each segment of a result was compared with."""

from __future__ import annotations

from typing import Any

import numpy as np

from encoders import is_missing_row
from retrieval.search.mood_targets import COURSE_STEPS, CourseTarget
from retrieval.storage import Snapshot, round_span
from spaces.circumplex import find_warping_path, interpolate_path


def explain_course(snapshot: Snapshot, item_id: str, target: CourseTarget) -> list[dict[str, Any]]:
    """Of each segment with affect: its span in seconds, valence and arousal, and the point asked for there.

    That point is the mean of those that the warping path pairs with the segment. Empty for an item without a
    course.
    """
    item = snapshot.find_item(item_id)
    if item is None:
        return []
    segments = snapshot.list_segments(item)
    affect = snapshot.select_affect(segments)
    is_known = ~is_missing_row(affect)
    if not is_known.any():
        return []
    pairs = find_warping_path(target.compute_costs(affect[is_known]))
    path = interpolate_path(target.waypoints, COURSE_STEPS)
    steps = []
    for number, (span, row) in enumerate(
        zip(snapshot.spans[segments][is_known], affect[is_known], strict=True)
    ):
        start, end = round_span(span)
        asked = path[pairs[pairs[:, 0] == number, 1]].mean(axis=0)
        valence, arousal = (round(float(value), 4) for value in row[:2])
        steps.append({
            "start": start, "end": end, "valence": valence, "arousal": arousal,
            "asked": np.round(asked, 4).tolist(),
        })  # fmt: skip
    return steps

"""Scores of views as scores of spaces, and of the parts of a query as those of the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fusion import average_views, pool_log_odds
from retrieval.features import split_view_name

Scores = npt.NDArray[np.float64]


def pool_space_views(
    space: str, scores_by_part: Sequence[Mapping[str, Scores]], segment_count: int
) -> Scores:
    """(n,) mean over the query's parts of the space's views, pooled by log-odds; NaN where all abstain."""
    of_parts = [[part[view] for view in part if split_view_name(view)[0] == space] for part in scores_by_part]
    pooled = [pool_log_odds(stack) for stack in of_parts if stack]
    return average_views(pooled) if pooled else np.full(segment_count, np.nan)


def average_parts(scores_by_part: Sequence[Mapping[str, Scores]]) -> dict[str, Scores]:
    """(n,) by view: the mean over the parts that have it."""
    views = set().union(*scores_by_part)
    return {view: average_views([part[view] for part in scores_by_part if view in part]) for view in views}

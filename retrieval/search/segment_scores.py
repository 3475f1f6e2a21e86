"""Scored segments: what holds the content asked with, and an item's score over the segments of a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from encoders.base import Rows
from fusion.late_fusion import average_views

Scores = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.int64]

ALIKE = 0.98  # a cosine that another encoding of a segment reaches in every view
NEAR_COPY, COPY = 1, 2


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Segments (n,) by position, their total (n,), and their score a space and view (n,), NaN: abstained.

    `near` (n,) is the mean cosine: far above the background all scores are 1, and it decides. `mood` (n,) is
    how well each meets the mood asked for, NaN where it has none or nobody asked. `same` (n,) is COPY where
    the item holds the very content asked with, NEAR_COPY where its rows are those of another encoding of it,
    else 0. `moment` (n,) orders the segments of one item where its score is the same for all of them.
    """

    segments: Places
    total: Scores
    near: Scores
    spaces: Mapping[str, Scores]
    views: Mapping[str, Scores]
    mood: Scores
    same: Flags
    moment: Scores


def near_copies(cosines: Mapping[str, Rows], count: int) -> Flags:
    """(n,) NEAR_COPY for segments that are as near as another encoding in every view asked in, else 0."""
    if not cosines:
        return np.zeros(count, np.int64)
    return NEAR_COPY * np.all([one >= ALIKE for one in cosines.values()], axis=0).astype(np.int64)


def by_item(questions: Sequence[Scored], items: Places) -> Scored:
    """Every item's mean over the questions of its best segment's scores, given to each of its segments.

    items: (n,) the item of each segment, ascending
    """
    _, firsts, which = np.unique(items, return_index=True, return_inverse=True)
    best = [_best_of_groups(one, items, firsts) for one in questions]

    def mean(rows: Sequence[Scores]) -> Scores:
        return average_views([row[at] for row, at in zip(rows, best, strict=True)])[which]

    silent = np.full(len(items), np.nan)
    names = sorted(set().union(*(one.views for one in questions)))
    same = np.min([one.same[at] for one, at in zip(questions, best, strict=True)], axis=0)
    return replace(
        questions[0],
        total=mean([one.total for one in questions]),
        near=mean([one.near for one in questions]),
        spaces={space: mean([one.spaces[space] for one in questions]) for space in questions[0].spaces},
        views={name: mean([one.views.get(name, silent) for one in questions]) for name in names},
        same=same[which],
        moment=np.max([np.nan_to_num(one.total, nan=-1).round(3) for one in questions], axis=0),
    )


def _best_of_groups(scored: Scored, items: Places, firsts: Places) -> Places:
    """(groups,) where each item's best segment stands: by total, then nearness, then time."""
    order = np.lexsort((np.arange(len(items)), -scored.near, -scored.total, items))  # NaN sort to the end
    return np.asarray(order[firsts])


def with_copy(scored: Scored, items: Places, item: int | None) -> Scored:
    """The same with a score of 1 in every space that speaks for the item that was asked with as a file."""
    here = (items == item) & ~np.isnan(scored.total) if item is not None else np.zeros(len(items), np.bool_)
    if not here.any():
        return scored

    def certain(scores: Scores) -> Scores:
        return np.where(here & ~np.isnan(scores), 1.0, scores)

    return replace(
        scored,
        total=certain(scored.total),
        near=certain(scored.near),
        spaces={space: certain(one) for space, one in scored.spaces.items()},
        views={view: certain(one) for view, one in scored.views.items()},
        same=np.where(here, COPY, scored.same),
    )

"""Groups of results that nearly duplicate each other: re-encoded, trimmed or slightly cropped copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from encoders import Rows
from retrieval.search.engine import Engine
from retrieval.search.hits import Hit
from retrieval.search.segment_scores import NEAR_COPY_COSINE

NEAR_DUPLICATE_COSINES: Mapping[str, float] = {"object.looks": 0.92, "audio.sounds": 0.97}
"""Least cosines by view, of the views that tell copies best from other pictures and sounds of the same thing.

Photos (100 of flickr1k's dev split, 500 px): of copies brightened by 15 %, cropped to 95 and 90 %, mirrored,
and as JPEG of quality 30, 100, 100, 83, 89 and 79 % reach it; cropped to 75 % 9 %; reduced to 250 px, which
is less than the network reads, 1 %. No two of those photos and 400 of OASIS do (124 750 pairs, at most .86);
of two poses of one person in one gym (109 of exercise_activity) 23 %.
Sounds (96 of four sets): as MP3 of 48 kbit/s 100 %, at half the amplitude 99 %, without their first
twentieth 75 %. No two different ones do (17 205 pairs), nor a sentence and its repetition by the same actor
in the same mood (RAVDESS, at most .94)."""
BLOCK_ROWS = 1024  # compared with all others at a time


def group_near_duplicates(engine: Engine, hits: Sequence[Hit]) -> list[int | None]:
    """For each hit the index of the first hit that it nearly duplicates; None where that is itself.

    Hits of one modality are compared by their segments, exactly: in all views of NEAR_DUPLICATE_COSINES that
    both have, or by NEAR_COPY_COSINE in all views that both have where the library has none of those. A hit
    that is named as the first duplicates none itself, so that likeness is not passed on from hit to hit.
    """
    snapshot = engine.snapshot
    views = [view for view in NEAR_DUPLICATE_COSINES if view in snapshot.views] or list(snapshot.views)
    firsts: list[int | None] = [None] * len(hits)
    for modality in {hit.modality for hit in hits}:
        indices = [i for i, hit in enumerate(hits) if hit.modality == modality]
        segments = np.array([hits[i].segment for i in indices], np.int64)
        rows = {view: snapshot.views[view].select_rows(segments) for view in views}
        for at, first in enumerate(find_first_duplicates(rows)):
            firsts[indices[at]] = None if first is None else indices[first]
    return firsts


def find_first_duplicates(rows_by_view: Mapping[str, Rows]) -> list[int | None]:
    """As `group_near_duplicates`, of unit rows (n, d) by view, NaN where one is missing."""
    firsts: list[int | None] = []
    for are_duplicates in _compare_all(rows_by_view):
        earlier = np.flatnonzero(are_duplicates[: len(firsts)])
        firsts.append(next((int(at) for at in earlier if firsts[at] is None), None))
    return firsts


def _compare_all(rows_by_view: Mapping[str, Rows]) -> Iterator[npt.NDArray[np.bool_]]:
    """For each of n items, (n,) which others it nearly duplicates: those with a view that both have."""
    count = len(next(iter(rows_by_view.values()), ()))
    for start in range(0, count, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        are_alike = np.ones((len(range(count)[block]), count), np.bool_)
        are_comparable = np.zeros_like(are_alike)
        for view, rows in rows_by_view.items():
            cosines = rows[block] @ rows.T
            are_alike &= ~(cosines < NEAR_DUPLICATE_COSINES.get(view, NEAR_COPY_COSINE))
            are_comparable |= ~np.isnan(cosines)
        yield from are_alike & are_comparable

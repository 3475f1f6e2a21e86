"""Searching the mood plane: the mood a query wants, and the segments that lie nearest to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders.base import missing
from retrieval.asking import Asked
from retrieval.query import Query
from retrieval.snapshot import Snapshot
from spaces.affect import average
from spaces.circumplex import affinity

Point = npt.NDArray[np.floating]
Places = npt.NDArray[np.int64]
log = logging.getLogger(__name__)


def wanted_mood(query: Query, asked: Sequence[Asked]) -> Point | None:
    """(2,) the mood a query asks for: as named, else how what it asks with feels; None by content alone.

    Where nobody can tell how that feels the search goes by content, and says so.
    """
    if query.dial == 0:
        return None
    if query.mood is not None:
        return np.array(query.mood)
    felt = average(np.stack([part.affect for part in asked]))
    if missing(felt[None])[0]:
        log.warning("nobody can tell how this query feels; going by content alone (or name a mood: --mood)")
        return None
    return felt[:2]


def nearest_moods(snapshot: Snapshot, target: Point, modalities: Sequence[str], k: int) -> Places:
    """Segment positions, ascending: of each modality all segments as near as the k-th nearest item.

    Exact, over every segment: four numbers each are read faster than an index would be.
    """
    found = [np.empty(0, np.int64)]
    near = affinity(snapshot.affect, target)
    for modality in modalities:
        here = np.flatnonzero(snapshot.of_modality(modality) & ~np.isnan(near))
        order = here[np.argsort(-near[here], kind="stable")]
        first = np.sort(np.unique(snapshot.item_of[order], return_index=True)[1])[:k]
        if len(first):
            found.append(order[near[order] >= near[order[first[-1]]]])
    return np.unique(np.concatenate(found))

"""What differs between the kinds of library in a search, each registered by the type of library or snapshot.

`retrieval.search` registers libraries in a folder, `retrieval.cluster` those in Milvus.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Protocol

import numpy as np
import numpy.typing as npt

from encoders import Rows
from retrieval.search.mood_targets import PointTarget
from retrieval.storage import AnyLibrary, AnySnapshot, Library, load_snapshot

Positions = npt.NDArray[np.int64]


class NearestSegments(Protocol):
    """Searches one view of the items of one modality."""

    def find_nearest(self, queries: Rows, k: int, allowed_segments: Positions | None = None) -> Positions:
        """Segment positions of the k nearest rows to each of (q, d), among allowed segments (n,)."""
        ...


class SegmentsNearPoint(Protocol):
    """Finds segments near a point of the mood plane."""

    def find_nearest(self, target: PointTarget, modality: str, k: int) -> Positions:
        """Segment positions of a modality, among them all that match as well as its k-th best item."""
        ...


@singledispatch
def open_snapshot(library: AnyLibrary) -> AnySnapshot:
    """The last committed state of a library. Raises AffectError if it is damaged."""
    raise TypeError(f"no search is registered for {type(library).__name__}")


@open_snapshot.register
def _(library: Library) -> AnySnapshot:
    return load_snapshot(library)


@singledispatch
def make_view_searches(snapshot: AnySnapshot, library: AnyLibrary) -> Callable[[str, str], NearestSegments]:
    """What makes the search of a view of the items of a modality."""
    raise TypeError(f"no search is registered for {type(snapshot).__name__}")


@singledispatch
def make_point_search(snapshot: AnySnapshot) -> SegmentsNearPoint:
    """The search of segments near a point of the mood plane."""
    raise TypeError(f"no search is registered for {type(snapshot).__name__}")

"""Which items a query may find at all, by folder and by the date of their files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from encoders import to_printable
from retrieval.search.query import Query
from retrieval.storage import AnySnapshot

Positions = npt.NDArray[np.int64]


def list_filters(query: Query) -> list[str]:
    """The filters of a query in words, such as "changed before 2024-06-01"."""
    filters = {
        "under": query.under and to_printable(query.under),
        "changed since": query.since,
        "changed before": query.until,
    }
    return [f"{words} {value}" for words, value in filters.items() if value is not None]


def find_allowed_segments(query: Query, snapshot: AnySnapshot) -> Positions | None:
    """Positions of the segments that a query's filters leave, ascending; None where it has no filter."""
    if not list_filters(query):
        return None
    items = snapshot.filter_items(query.under, query.since, query.until)
    firsts, ends = (np.searchsorted(snapshot.item_by_segment, items + offset) for offset in (0, 1))
    counts = ends - firsts
    return np.repeat(firsts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())

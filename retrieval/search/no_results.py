"""The reason why a search has no results, in one line."""

from __future__ import annotations

from pathlib import Path

from encoders import to_printable
from retrieval.search.query import Query
from retrieval.storage import Snapshot, find_writer_pid


def explain_no_results(
    query: Query, snapshot: Snapshot, folder: Path, *, is_present: bool, best_score: float | None
) -> str:
    """Why there are no results.

    is_present: whether the query has a row in any space
    best_score: the highest score of all items that could be compared, None without any
    """
    busy = find_writer_pid(folder)
    if not snapshot.item_count:
        return _explain_empty_library(folder, busy)
    more = "; the library is being written to, ask again later" if busy else ""
    if not snapshot.count_items(query.modalities):
        return f"no match: the library holds nothing of {', '.join(query.modalities)} (--modalities){more}"
    if best_score is not None:
        return f"no good match: the best scores {best_score:.2f}, below --min-score {query.min_score:g}{more}"
    if query.then and query.affect_weight == 1:
        return f"no match: nothing here has two segments whose affect is known, as a course needs{more}"
    if is_present or query.affect_weight == 1 or query.not_moods:
        return f"no match: nothing here can be compared with it{more}"
    if set(query.parts) <= {"text"}:
        return "no match: no space knows these words; try others, or ask with a file"
    return "no match: no space can tell anything from what was asked with (silence, for one)"


def _explain_empty_library(folder: Path, writer_pid: str | None) -> str:
    name = to_printable(folder)
    if writer_pid is not None:
        return f"no match yet: {name} is being indexed (process {writer_pid}), and nothing is in it so far"
    return f"no match: {name} is empty; fill it with: affect index FOLDER --library {name}"

"""The reason why a search has no results, or none that matches well, in one line."""

from __future__ import annotations

import numpy as np

from encoders import to_printable
from retrieval.search.filters import find_allowed_segments, list_filters
from retrieval.search.fusion_rules import FUSION_RULES
from retrieval.search.query import Query
from retrieval.search.segment_scores import Scores
from retrieval.storage import AnyLibrary, AnySnapshot

UNLIKELY_SCORE = 0.1  # of a region of the mood plane
LIKELY_SCORE = 0.5
"""From here a match is more likely than not. Hiding what scores less would hide half of the right answers."""


def explain_no_results(
    query: Query, snapshot: AnySnapshot, library: AnyLibrary, *, is_present: bool, best_score: float | None
) -> str:
    """Why there are no results.

    is_present: whether the query has a row in any space
    best_score: the highest score of all items that could be compared, None without any
    """
    busy = library.find_writer_pid()
    if not snapshot.item_count:
        return _explain_empty_library(library.name, busy)
    more = "; the library is being written to, ask again later" if busy else ""
    if not snapshot.count_items(query.modalities):
        return f"no match: the library holds nothing of {', '.join(query.modalities)}{more}"
    allowed_segments = find_allowed_segments(query, snapshot)
    if allowed_segments is not None and not len(allowed_segments):
        return f"no match: no file here is {' and '.join(list_filters(query))}{more}"
    if best_score is not None:
        least = f"the minimum score {query.min_score:g}"
        return f"no good match: the best scores {best_score:.2f}, below {least}{more}"
    if query.then and query.affect_weight == 1:
        return f"no match: nothing here has two segments whose affect is known, as a course needs{more}"
    if is_present or query.affect_weight == 1 or query.not_moods:
        return f"no match: nothing here can be compared with it{more}"
    if set(query.parts) <= {"text"}:
        return "no match: no space knows these words; try others, or ask with a file"
    return "no match: no space can tell anything from what was asked with (silence, for one)"


def describe_weak_match(query: Query, best_score: float, affect_match: Scores) -> str:
    """That no result is more likely a match than not, or that a region is empty; else empty, as where scores
    are no chances.

    A query by mood scores nearness, and one that only denies asks for no match. How often words without an
    answer score as much: `python -m experiments.bench thresholds`.

    affect_match: (n,) of all segments that were compared; of a region, their chances to lie there
    """
    known = affect_match[~np.isnan(affect_match)]
    if query.radius is not None and len(known) and known.max() < UNLIKELY_SCORE:
        return f"hardly anything lies in this region: the likeliest does with a chance of {known.max():.2f}"
    is_chance = FUSION_RULES[query.fusion].is_probability and query.has_content
    is_by_content = not query.affect_weight or query.mood_from_words
    if not (is_chance and is_by_content) or best_score >= LIKELY_SCORE:
        return ""
    return (
        f"nothing matches well: the best scores {best_score:.2f}, less likely a match than not "
        f"(a minimum score of {LIKELY_SCORE:g} leaves out such results)"
    )


def _explain_empty_library(library_name: str, writer_pid: str | None) -> str:
    name = to_printable(library_name)
    if writer_pid is not None:
        return f"no match yet: {name} is being indexed (process {writer_pid}), and nothing is in it so far"
    return f"no match: {name} is empty; fill it with: affect index FOLDER --library {name}"

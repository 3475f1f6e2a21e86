"""What a search finds of the content asked for, and how near its first results are to the mood asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.affect_dial.gallery import Gallery, GalleryQuery
from retrieval.search import Engine, Query
from spaces.circumplex import LANDMARKS, distance

DIALS = tuple(round(step / 10, 1) for step in range(11))
DEPTH = 10  # results that are looked at
MEASURES = ("R@1", f"R@{DEPTH}", "distance")
FORMS: Mapping[str, Mapping[str, Any]] = {
    "content": {"affect": 0.0},
    "--affect 0.5": {"affect": 0.5},
    "--mood-from-words": {"mood_from_words": True},
}
"""How the mood of a query's own words may count: not at all, as today's dial has it, and as a residual."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """Of n queries under s settings (dials or forms).

    values:   (n, s, 3) MEASURES: recalls in percent, of as many as could be found so far up; mean distance of
              the first results' affect to the target, NaN without a target or without rated results
    groups:   (n,) resampled as wholes
    has_mood: (n,) whether the engine read a mood from the words
    """

    settings: tuple[str, ...]
    values: Floats
    groups: npt.NDArray[np.str_]
    has_mood: npt.NDArray[np.bool_]


def measure_dial(
    engine: Engine, gallery: Gallery, moods: Sequence[str], on_query: Callable[[], None] = lambda: None
) -> Outcomes:
    """Every content query with every mood, at every dial."""
    rows = []
    for query in gallery.content_queries:
        for mood in moods:
            settings = [{"mood": mood, "affect": dial} for dial in DIALS]
            rows.append([_measure(engine, gallery, query, LANDMARKS[mood], one) for one in settings])
        on_query()
    return make_dial_outcomes(gallery, moods, np.array(rows).reshape(-1, len(DIALS), len(MEASURES)))


def make_dial_outcomes(gallery: Gallery, moods: Sequence[str], values: Floats) -> Outcomes:
    """Of the values (queries x moods, dials, measures) of `measure_dial`."""
    groups = np.repeat(np.array([query.group for query in gallery.content_queries], np.str_), len(moods))
    return Outcomes(
        settings=tuple(map(str, DIALS)), values=values, groups=groups,
        has_mood=np.ones(len(groups), np.bool_),
    )  # fmt: skip


def measure_forms(engine: Engine, gallery: Gallery, on_query: Callable[[], None] = lambda: None) -> Outcomes:
    """Every worded query in every form of FORMS."""
    rows, has_mood = [], []
    for query in gallery.worded_queries:
        rows.append([_measure(engine, gallery, query, query.target, form) for form in FORMS.values()])
        resolved = engine.resolve_query(Query(**query.parts, mood_from_words=True))
        has_mood.append(resolved.mood is not None)
        on_query()
    return make_form_outcomes(gallery, np.array(rows), np.array(has_mood, np.bool_))


def make_form_outcomes(gallery: Gallery, values: Floats, has_mood: npt.NDArray[np.bool_]) -> Outcomes:
    """Of the values (queries, forms, measures) of `measure_forms`."""
    groups = np.array([query.group for query in gallery.worded_queries], np.str_)
    return Outcomes(settings=tuple(FORMS), values=values, groups=groups, has_mood=has_mood)


def _measure(
    engine: Engine, gallery: Gallery, query: GalleryQuery, target: tuple[float, float] | None,
    settings: Mapping[str, Any],
) -> tuple[float, float, float]:  # fmt: skip
    """MEASURES of one search; one modality is in the gallery, so that the order is that of the scores."""
    hits = engine.search(Query(**query.parts, **settings, k=DEPTH, balance=1))
    found = np.array([int(hit.id, 16) for hit in hits], np.int64)
    is_right = np.isin(found, list(query.relevant))
    recalls = (100 * is_right[:k].sum() / min(k, len(query.relevant)) for k in (1, DEPTH))
    return *recalls, _average_distance(gallery.affect[found], target)


def _average_distance(affect: Floats, target: tuple[float, float] | None) -> float:
    if target is None:
        return float("nan")
    distances = distance(affect, target)
    return float(np.nanmean(distances)) if not np.isnan(distances).all() else float("nan")

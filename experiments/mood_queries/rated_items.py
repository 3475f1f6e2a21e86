"""Queries by mood alone, scored over all items of a gallery, and figures of their first results by ratings.

Intervals resample the items of the gallery by whole groups (themes, actors, series), each query with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.affect_dial.gallery import Gallery
from retrieval.evaluation import Estimate, bootstrap_estimate
from retrieval.search import Engine, Query
from spaces.circumplex import LANDMARK_RADIUS, LANDMARKS, distance

Floats = npt.NDArray[np.float64]

DEPTH = 10  # results that are looked at
DRAWS = 500
RADIUS = 0.3
CENTRE_COUNT = 100  # of regions drawn, of which those with DEPTH rated items are asked for
UNWANTED_MOODS = ("happy", "calm", "sad", "angry")  # one of each quadrant


def measure_regions(engine: Engine, gallery: Gallery, seed: int) -> dict[str, Any]:
    """Share of the first ten whose rating lies in the region asked for, beside that of all items."""
    centres = np.random.default_rng(seed).uniform(-0.9, 0.9, (CENTRE_COUNT, 2)).round(3)
    is_inside = distance(gallery.affect[:, None], centres) <= RADIUS
    chosen = np.flatnonzero(is_inside.sum(axis=0) >= DEPTH)
    queries = [{"mood": tuple(centres[at].tolist()), "radius": RADIUS} for at in chosen]
    return _compare_to_chance(gallery, score_items(engine, gallery, queries), is_inside[:, chosen], seed)


def measure_absence(engine: Engine, gallery: Gallery, seed: int) -> dict[str, Any]:
    """Share of the first ten within the radius of a mood that is not wanted, beside that of all items."""
    points = np.array([LANDMARKS[mood] for mood in UNWANTED_MOODS])
    is_unwanted = distance(gallery.affect[:, None], points) <= LANDMARK_RADIUS
    scores = score_items(engine, gallery, [{"not_moods": (mood,)} for mood in UNWANTED_MOODS])
    return _compare_to_chance(gallery, scores, is_unwanted, seed)


def measure_distances(engine: Engine, gallery: Gallery, seed: int) -> dict[str, Any]:
    """Rated distance of the first ten to a mood: by affinity, and by the distance of the estimates alone."""
    points = list(LANDMARKS.values())
    by_affinity = score_items(engine, gallery, [{"mood": point} for point in points])
    estimates = engine.snapshot.select_affect(np.arange(len(gallery.affect)))
    unweighted = -distance(estimates[:, None, :2], np.array(points))
    rated = distance(gallery.affect[:, None], np.array(points))
    values = np.stack([by_affinity, unweighted, rated], axis=2)

    def compute_gain(rows: Floats) -> float:
        return _average_first(rows[:, :, 0], rows[:, :, 2]) - _average_first(rows[:, :, 1], rows[:, :, 2])

    return {
        "of": len(points),
        "value": _average_first(by_affinity, rated),
        "beside": _average_first(unweighted, rated),
        "difference": _bootstrap(values, compute_gain, gallery, seed),
    }


def score_items(engine: Engine, gallery: Gallery, queries: Sequence[Mapping[str, Any]]) -> Floats:
    """(n, q) scores of all items by queries; -infinity for one that abstains."""
    scores = np.full((len(gallery.affect), len(queries)), -np.inf)
    for column, query in enumerate(queries):
        for hit in engine.search(Query(**query, k=len(gallery.affect), balance=1)):
            scores[int(hit.id, 16), column] = hit.score
    return scores


def _compare_to_chance(
    gallery: Gallery, scores: Floats, is_right: npt.NDArray[np.bool_], seed: int
) -> dict[str, Any]:
    values = np.stack([scores, is_right.astype(np.float64)], axis=2)
    return {
        "of": scores.shape[1],
        "value": _bootstrap(values, lambda rows: _average_first(rows[:, :, 0], rows[:, :, 1]), gallery, seed),
        "beside": float(is_right.mean()),
    }


def _bootstrap(values: Floats, statistic: Any, gallery: Gallery, seed: int) -> Estimate:
    return bootstrap_estimate(values, statistic, seed=seed, draws=DRAWS, groups=gallery_groups(gallery))


def gallery_groups(gallery: Gallery) -> npt.NDArray[np.str_]:
    """(n,) the group of each item: that of the first content query for which it is right, else its own."""
    groups = np.array([f"item {number}" for number in range(len(gallery.affect))], dtype="<U80")
    for query in reversed(gallery.content_queries):
        groups[list(query.relevant)] = query.group
    return groups


def _average_first(scores: Floats, values: Floats) -> float:
    """Mean over queries of the mean value (n, q) of the DEPTH items with the highest scores (n, q)."""
    first = np.argsort(-scores, axis=0, kind="stable")[:DEPTH]
    return float(np.take_along_axis(values, first, axis=0).mean())

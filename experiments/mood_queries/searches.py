"""Mood queries beside content: nudges from an item, moods not wanted; and photos that find sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.affect_dial.gallery import Gallery, make_item_id
from experiments.mood_queries.rated_items import DEPTH, UNWANTED_MOODS, gallery_groups
from retrieval.evaluation import bootstrap_estimate
from retrieval.search import Engine, Query
from spaces.circumplex import LANDMARK_RADIUS, LANDMARKS, NUDGES, combine_with_prior, distance

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

QUERY_COUNT = 100  # items drawn to ask with


def measure_nudges(engine: Engine, gallery: Gallery, seed: int) -> dict[str, dict[str, Any]]:
    """By measure: results that really are calmer (sadder, ...) than the item asked with by their ratings, and
    results of the item's own group; each beside the same search without a nudge, and items at random.
    """
    groups = gallery_groups(gallery)
    rows, owners = [], []
    names, sizes = np.unique(groups, return_counts=True)
    for item in _draw_items(gallery, np.isin(groups, names[sizes > 1]), seed):
        plain = _find(engine, {"item": make_item_id(item)})
        others = np.delete(np.arange(len(groups)), item)
        for name, step in NUDGES.items():
            found = _find(engine, {"item": make_item_id(item), "nudges": (name,)})
            moves = ((gallery.affect - gallery.affect[item]) @ np.array(step)) > 0
            alike = groups == groups[item]
            rows.append([share[at].mean() for share in (moves, alike) for at in (found, plain, others)])
            owners.append(groups[item])
    return {
        "moved as asked": _summarise(np.array(rows)[:, :3], owners, seed),
        "of the same group": _summarise(np.array(rows)[:, 3:], owners, seed),
    }


def measure_unwanted(engine: Engine, gallery: Gallery, seed: int) -> dict[str, dict[str, Any]]:
    """By measure: results rated within the radius of a mood that is not wanted beside content, and recall of
    the content; each beside the same search without.
    """
    rows, owners = [], []
    for query in gallery.content_queries[:: max(len(gallery.content_queries) // QUERY_COUNT, 1)]:
        relevant = np.isin(np.arange(len(gallery.affect)), list(query.relevant))
        plain = _find(engine, query.parts)
        for mood in UNWANTED_MOODS:
            is_unwanted = distance(gallery.affect, LANDMARKS[mood]) <= LANDMARK_RADIUS
            found = _find(engine, {**query.parts, "not_moods": (mood,)})
            most = min(DEPTH, relevant.sum())
            shares = [is_unwanted[at].mean() for at in (found, plain)]
            rows.append([*shares, *(relevant[at].sum() / most for at in (found, plain))])
            owners.append(query.group)
    return {
        "rated as not wanted": _summarise(np.array(rows)[:, :2], owners, seed),
        "R@10": _summarise(np.array(rows)[:, 2:], owners, seed),
    }


def measure_across(engine: Engine, gallery: Gallery, photos: Gallery, seed: int) -> dict[str, Any]:
    """Rated distance of the first ten sounds to the rating of the photo whose mood found them, beside all.

    The photo's mood is what a query with its file and `--affect 1` looks for: its held-out estimate.
    """
    estimates = photos.pipeline.estimate_affect(photos.features).fused
    groups, rows, owners = gallery_groups(photos), [], []
    for item in _draw_items(photos, np.ones(len(groups), np.bool_), seed):
        point = combine_with_prior(estimates[item])[:2]
        found = _find(engine, {"mood": (float(point[0]), float(point[1]))})
        far = distance(gallery.affect, photos.affect[item])
        rows.append([far[found].mean(), far.mean()])
        owners.append(groups[item])
    return _summarise(np.array(rows), owners, seed)


def _draw_items(gallery: Gallery, is_eligible: npt.NDArray[np.bool_], seed: int) -> list[int]:
    """QUERY_COUNT of the eligible items with a rating, or all if they are fewer."""
    items = np.flatnonzero(is_eligible & ~np.isnan(gallery.affect[:, 0]))
    drawn = np.random.default_rng(seed).choice(items, min(QUERY_COUNT, len(items)), replace=False)
    return [int(item) for item in np.sort(drawn)]


def _find(engine: Engine, query: Mapping[str, Any]) -> Ints:
    hits = engine.search(Query(**query, k=DEPTH, balance=1))
    return np.array([int(hit.id, 16) for hit in hits], np.int64)


def _summarise(rows: Floats, owners: list[str], seed: int) -> dict[str, Any]:
    """The mean of the first column, beside it those of the others, and the difference to the second."""
    difference: Callable[[Floats], float] = lambda part: float((part[:, 0] - part[:, 1]).mean())  # noqa: E731
    return {
        "of": len(rows),
        "value": bootstrap_estimate(rows[:, 0], seed=seed, groups=owners),
        "beside": float(rows[:, 1].mean()),
        "chance": float(rows[:, 2].mean()) if rows.shape[1] > 2 else None,
        "difference": bootstrap_estimate(rows, difference, seed=seed, groups=owners),
    }

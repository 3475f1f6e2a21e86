"""The mood plane: an exact k-d tree and the engine's index beside Annoy, as the circumplex report uses it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from experiments.benchmarks.timing import estimate_speedup, summarise_seconds, time_in_turns
from experiments.statistics.report import Cell, Requirement
from retrieval.evaluation import Estimate, compute_proportion_interval
from retrieval.vector_index import AffectIndex

Points = npt.NDArray[np.float64]
MICRO = 1e-6
NEIGHBOUR_COUNT, TREE_COUNT = 10, 10
QUERIES_PER_TURN = 20
SD_RANGE = (0.2, 0.6)
MIN_SPEEDUP = 2.0  # of the exact tree over Annoy
BASELINE, EXACT, WITH_SDS = "Annoy, 10 trees", "k-d tree, exact", "the engine's, exact, with SDs"
BATCH = "k-d tree, exact, 20 queries a call"  # of one, SciPy's call takes most


@dataclass(frozen=True, kw_only=True)
class _Method:
    """A search of one point, and the seconds in which its index was built."""

    search: Callable[[Points], Any]
    build_seconds: float


def compare_planes(
    point_count: int, rounds: int, seed: int
) -> tuple[list[dict[str, Cell]], list[Requirement]]:
    """Rows of the table and the requirement; points are normal in [-1, 1], queries uniform."""
    rng = np.random.default_rng(seed)
    points = np.clip(rng.normal(0, 0.4, (point_count, 2)), -1, 1)
    sds = rng.uniform(*SD_RANGE, (point_count, 2))
    queries = rng.uniform(-1, 1, (rounds, 2))
    with tempfile.TemporaryDirectory() as folder:
        methods = {
            BASELINE: _build(lambda: _build_annoy(points, Path(folder))),
            EXACT: _build(lambda: _build_tree(points)),
            WITH_SDS: _build(lambda: _build_affect_index(np.concatenate([points, sds], axis=1))),
        }
        turns = {name: partial(_search_many, method.search, queries) for name, method in methods.items()}
        methods[BATCH] = _build(lambda: _build_tree(points))
        turns[BATCH] = partial(_search_batch, methods[BATCH].search, queries)
        seconds = {
            name: turn_seconds / QUERIES_PER_TURN
            for name, turn_seconds in time_in_turns(turns, len(queries)).items()
        }
        recalls = [
            len(set(methods[BASELINE].search(query)) & set(methods[EXACT].search(query))) / NEIGHBOUR_COUNT
            for query in queries
        ]
    rows = _make_rows(methods, seconds, recalls, seed)
    speedup = float(np.median(seconds[BASELINE] / seconds[EXACT]))
    return rows, [Requirement("mood plane, exact tree over Annoy", speedup, MIN_SPEEDUP, is_minimum=True)]


def _search_many(search: Callable[[Points], Any], queries: Points, turn: int) -> None:
    """QUERIES_PER_TURN queries: a single one of some microseconds finds the caches full of others' data."""
    for query in _select_queries(queries, turn):
        search(query)


def _search_batch(search: Callable[[Points], Any], queries: Points, turn: int) -> None:
    """The same queries in one call."""
    search(_select_queries(queries, turn))


def _select_queries(queries: Points, turn: int) -> Points:
    return queries[np.arange(turn, turn + QUERIES_PER_TURN) % len(queries)]


def _make_rows(
    methods: Mapping[str, _Method],
    seconds: Mapping[str, npt.NDArray[np.float64]],
    recalls: list[float],
    seed: int,
) -> list[dict[str, Cell]]:
    recall = Estimate(float(np.mean(recalls)), *compute_proportion_interval(recalls))
    return [
        {
            "measured": f"mood plane: {name}, us",
            "median (least to most)": summarise_seconds(seconds[name], MICRO),
            "faster than the first by": estimate_speedup(seconds[BASELINE], seconds[name], seed=seed),
            "recall at 10": recall if name == BASELINE else 1.0,
            "built, s": method.build_seconds,
        }
        for name, method in methods.items()
    ]


def _build(build: Callable[[], Callable[[Points], Any]]) -> _Method:
    start = time.perf_counter()
    search = build()
    return _Method(search=search, build_seconds=time.perf_counter() - start)


def _build_annoy(points: Points, folder: Path) -> Callable[[Points], Any]:
    from annoy import AnnoyIndex

    forest = AnnoyIndex(2, "euclidean")
    forest.set_seed(0)
    for i, point in enumerate(points.tolist()):
        forest.add_item(i, point)
    forest.build(TREE_COUNT, n_jobs=1)
    forest.save(str(folder / "plane.ann"))
    return lambda query: forest.get_nns_by_vector(query, NEIGHBOUR_COUNT)


def _build_tree(points: Points) -> Callable[[Points], Any]:
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
    return lambda query: tree.query(query, k=NEIGHBOUR_COUNT)[1].tolist()


def _build_affect_index(estimates: Points) -> Callable[[Points], Any]:
    index = AffectIndex(estimates)
    return lambda query: index.find_nearest(query, NEIGHBOUR_COUNT)

"""Nearest-neighbour search: the engine's exact index and Annoy, against numpy and scikit-learn."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from encoders import AffectError, Rows, unit_rows
from experiments.benchmarks.timing import estimate_speedup, summarise_seconds, time_in_turns
from experiments.statistics.report import (
    BenchmarkReport,
    Cell,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.cli.options import add_index_options
from retrieval.evaluation import Estimate, compute_proportion_interval
from retrieval.search import compute_index_recall
from retrieval.storage import Library, load_snapshot
from retrieval.vector_index import INDEX_KINDS, VectorIndex
from retrieval.vector_index.base import OptionValues
from retrieval.vector_index.topk import StoredRows

MILLI = 1e-3
DIM = 384
CLUSTER_SIZE, NOISE_NORM = 50, 1.0  # rows of a cluster; norm of the noise added to its unit centre
NUMPY_BASELINE = "numpy: rows @ q, argsort"
Positions = npt.NDArray[np.int64]
SearchFunction = Callable[[Rows], Positions]  # (1, d) unit row -> (1, k) positions


@dataclass(frozen=True)
class SearchMethod:
    """A search function, and the seconds of building its index."""

    search: SearchFunction
    build_seconds: float


@click.command("index", short_help="Exact search against Annoy, numpy and scikit-learn.")
@click.option("--library", type=click.Path(path_type=Path), help="Take the rows of a library of yours.")
@click.option("--view", default="object.words", show_default=True, help="Which of its rows.")
@click.option("--sizes", default="1000,10000,100000", show_default=True, help="Rows of the synthetic sets.")
@click.option("--queries", type=click.IntRange(2), default=100, show_default=True)
@click.option("-k", type=click.IntRange(1), default=10, show_default=True)
@add_index_options
@add_seed_option
@json_option
def command(
    library: Path | None, view: str, sizes: str, queries: int, k: int, seed: int, as_json: bool,
    **options: int | None,
) -> None:  # fmt: skip
    """Recall at k against exact search, and milliseconds of a query at a time.

    Synthetic rows lie about common centres, 50 each. Queries are held out of the rows.
    """
    sets = (
        [load_view_vectors(library, view)]
        if library
        else [make_clustered_vectors(n + queries, seed) for n in parse_sizes(sizes)]
    )
    given = {name: value for name, value in options.items() if value is not None}
    rows = [
        row
        for vectors in sets
        for row in measure_methods(vectors, min(queries, len(vectors) // 2), k, given, seed)
    ]
    report = BenchmarkReport(
        benchmark="index",
        settings={
            "rows of": str(library) if library else f"clusters of {CLUSTER_SIZE}", "dim": sets[0].shape[1],
            "queries": queries, "k": k, "seed": seed,
            **{name: n for kind in INDEX_KINDS.values() for name, n in kind.fill_options(given).items()},
        },
        rows=rows,
        notes=[
            "median (least to most) milliseconds; ratios are medians of paired queries, with recall's",
            "95 % intervals over queries; one query at a time, ways in turns",
        ],
    )  # fmt: skip
    print_report(report, as_json=as_json)


def parse_sizes(text: str) -> list[int]:
    """Numbers of rows from "1000,10000". Raises AffectError."""
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 2:
        raise AffectError(f"sizes are {text!r}; write them as 1000,10000")
    return sizes


def make_clustered_vectors(vector_count: int, seed: int) -> Rows:
    """(count, 384) unit rows in clusters, in random order."""
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng.standard_normal((-(-vector_count // CLUSTER_SIZE), DIM), np.float32))
    noise = rng.standard_normal((vector_count, DIM), np.float32) * np.float32(NOISE_NORM / np.sqrt(DIM))
    return unit_rows(centres[rng.integers(len(centres), size=vector_count)] + noise)


def load_view_vectors(folder: Path, view: str) -> Rows:
    """All rows of a view of a library. Raises AffectError if it has no such view."""
    with closing(Library.open(folder)) as library:
        views = load_snapshot(library).views
        if view not in views:
            raise AffectError(f"{folder}: no view {view!r}; it has {', '.join(views) or 'none'}")
        table = views[view]
        return np.asarray(table.rows[table.segment_by_row >= 0], np.float32)


def measure_methods(
    vectors: Rows, query_count: int, k: int, options: OptionValues, seed: int
) -> list[dict[str, Cell]]:
    """A row of the table for each method; the last `query_count` of the shuffled rows are the queries."""
    shuffled = vectors[np.random.default_rng(seed).permutation(len(vectors))]
    indexed, queries = np.ascontiguousarray(shuffled[:-query_count]), shuffled[-query_count:]
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
        methods = prepare_methods(indexed, k, options, Path(folder))
        calls = {
            name: (lambda i, search=method.search: search(queries[i : i + 1]))
            for name, method in methods.items()
        }
        seconds = time_in_turns(calls, query_count)
        exact_neighbours = [methods["exact"].search(query[None]) for query in queries]
        neighbours = {
            name: [method.search(query[None]) for query in queries] for name, method in methods.items()
        }
    return [
        {
            "rows": len(indexed),
            "way": name,
            "ready in s": method.build_seconds,
            f"recall@{k}": estimate_recall(neighbours[name], exact_neighbours),
            "ms": summarise_seconds(seconds[name], MILLI),
            "times as fast as numpy": estimate_speedup(seconds[NUMPY_BASELINE], seconds[name], seed=seed),
        }
        for name, method in methods.items()
    ]


def prepare_methods(vectors: Rows, k: int, options: OptionValues, folder: Path) -> dict[str, SearchMethod]:
    """All methods by name, with their indices built."""
    float16_vectors = vectors.astype(np.float16)
    methods = {name: prepare_index(name, vectors, k, options, folder) for name in INDEX_KINDS}
    methods["exact, float16"] = prepare_index("exact", float16_vectors, k, options, folder)
    methods[NUMPY_BASELINE] = time_build(lambda: lambda query: np.argsort(-(vectors @ query[0]))[None, :k])
    methods["scikit-learn, brute"] = time_build(lambda: make_sklearn_search(vectors, k))
    return methods


def prepare_index(
    name: str, vectors: StoredRows, k: int, options: OptionValues, folder: Path
) -> SearchMethod:
    """One of the engine's indices by name."""
    kind = INDEX_KINDS[name]
    return time_build(
        lambda: make_index_search(kind.build(vectors, folder / name, kind.fill_options(options), 0), k)
    )


def time_build(build: Callable[[], SearchFunction]) -> SearchMethod:
    """Build an index and time it."""
    start = time.perf_counter()
    search = build()
    return SearchMethod(search, time.perf_counter() - start)


def make_index_search(index: VectorIndex, k: int) -> SearchFunction:
    """The search of an index, without the similarities."""
    return lambda query: index.search(query, k)[0]


def make_sklearn_search(vectors: Rows, k: int) -> SearchFunction:
    """scikit-learn's NearestNeighbors by cosine."""
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(n_neighbors=min(k, len(vectors)), algorithm="brute", metric="cosine").fit(
        vectors
    )
    return lambda query: np.asarray(model.kneighbors(query, return_distance=False), np.int64)


def estimate_recall(neighbours: Sequence[Positions], exact_neighbours: Sequence[Positions]) -> Estimate:
    """Mean recall of the exact neighbours over queries, 0 to 1, with its 95 % interval."""
    recalls = [
        compute_index_recall(approximate, exact)
        for approximate, exact in zip(neighbours, exact_neighbours, strict=True)
    ]
    return Estimate(float(np.mean(recalls)), *compute_proportion_interval(recalls))

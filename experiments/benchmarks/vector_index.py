"""Nearest rows: the engine's exact index and Annoy, beside plain numpy and scikit-learn."""

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

from encoders.base import AffectError, Rows, unit_rows
from experiments.benchmarks.timing import in_turns, spread, times_faster
from experiments.statistics.report import Cell, Figure, Report, json_option, publish, seed_option
from retrieval.evaluation import bootstrap_interval
from retrieval.search.candidates import overlap
from retrieval.storage.library import Library
from retrieval.storage.snapshot import take
from retrieval.vector_index.exact import INDICES, Index
from retrieval.vector_index.topk import Stored

MILLI = 1e-3
DIM = 384
PER_CLUSTER, SCATTER = 50, 1.0  # rows about a centre; length of what is added to it, which has length 1
PLAIN = "numpy: rows @ q, argsort"
Places = npt.NDArray[np.int64]
Ask = Callable[[Rows], Places]  # (1, d) unit row -> (1, k) positions


@dataclass(frozen=True)
class Way:
    """A way to search, and the seconds it took to get ready."""

    ask: Ask
    built: float


@click.command("index", short_help="Exact search against Annoy, numpy and scikit-learn.")
@click.option("--library", type=click.Path(path_type=Path), help="Take the rows of a library of yours.")
@click.option("--view", default="object.words", show_default=True, help="Which of its rows.")
@click.option("--sizes", default="1000,10000,100000", show_default=True, help="Rows of the synthetic sets.")
@click.option("--queries", type=click.IntRange(2), default=100, show_default=True)
@click.option("-k", type=click.IntRange(1), default=10, show_default=True)
@click.option("--trees", type=click.IntRange(1), default=40, show_default=True, help="Of Annoy.")
@seed_option
@json_option
def command(
    library: Path | None, view: str, sizes: str, queries: int, k: int, trees: int, seed: int, as_json: bool
) -> None:
    """Recall at k against exact search, and milliseconds of a query at a time.

    Synthetic rows lie about common centres, 50 each. Queries are held out of the rows.
    """
    sets = [stored(library, view)] if library else [clustered(n + queries, seed) for n in whole(sizes)]
    rows = [row for one in sets for row in measured(one, min(queries, len(one) // 2), k, trees, seed)]
    report = Report(
        bench="index",
        settings={
            "rows of": str(library) if library else f"clusters of {PER_CLUSTER}", "dim": sets[0].shape[1],
            "queries": queries, "k": k, "trees": trees, "seed": seed,
        },
        rows=rows,
        notes=[
            "median (least to most) milliseconds; ratios are medians of paired queries, with recall's",
            "intervals 95 % bootstraps over queries; one query at a time, ways in turns",
        ],
    )  # fmt: skip
    publish(report, as_json=as_json)


def whole(text: str) -> list[int]:
    """From "1000,10000". Raises AffectError."""
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 2:
        raise AffectError(f"sizes are {text!r}; write them as 1000,10000")
    return sizes


def clustered(count: int, seed: int) -> Rows:
    """(count, 384) unit rows about common centres, in no order."""
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng.standard_normal((-(-count // PER_CLUSTER), DIM), np.float32))
    noise = rng.standard_normal((count, DIM), np.float32) * np.float32(SCATTER / np.sqrt(DIM))
    return unit_rows(centres[rng.integers(len(centres), size=count)] + noise)


def stored(folder: Path, view: str) -> Rows:
    """All rows of a view of a library. Raises AffectError if it has no such view."""
    with closing(Library.open(folder)) as library:
        views = take(library).views
        if view not in views:
            raise AffectError(f"{folder}: no view {view!r}; it has {', '.join(views) or 'none'}")
        table = views[view]
        return np.asarray(table.rows[table.segment_of >= 0], np.float32)


def measured(rows: Rows, queries: int, k: int, trees: int, seed: int) -> list[dict[str, Cell]]:
    """A row of the table for each way; the last `queries` of the shuffled rows are asked for."""
    mixed = rows[np.random.default_rng(seed).permutation(len(rows))]
    kept, asked = np.ascontiguousarray(mixed[:-queries]), mixed[-queries:]
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
        ways = prepared(kept, k, trees, Path(folder))
        turns = {name: (lambda i, ask=way.ask: ask(asked[i : i + 1])) for name, way in ways.items()}
        spent = in_turns(turns, queries)
        wanted = [ways["exact"].ask(query[None]) for query in asked]
        found = {name: [way.ask(query[None]) for query in asked] for name, way in ways.items()}
    return [
        {
            "rows": len(kept), "way": name, "ready in s": way.built,
            f"recall@{k}": recall(found[name], wanted, seed), "ms": spread(spent[name], MILLI),
            "times as fast as numpy": times_faster(spent[PLAIN], spent[name], seed=seed),
        }
        for name, way in ways.items()
    ]  # fmt: skip


def prepared(rows: Rows, k: int, trees: int, folder: Path) -> dict[str, Way]:
    """Every way that is here, ready to be asked."""
    halves = rows.astype(np.float16)
    ways = {name: indexed(name, rows, k, trees, folder) for name in INDICES}
    ways["exact, float16"] = indexed("exact", halves, k, trees, folder)
    ways[PLAIN] = timed(lambda: lambda query: np.argsort(-(rows @ query[0]))[None, :k])
    ways["scikit-learn, brute"] = timed(lambda: by_sklearn(rows, k))
    return ways


def indexed(name: str, rows: Stored, k: int, trees: int, folder: Path) -> Way:
    """One of the engine's indices, through its port."""
    return timed(lambda: by_index(INDICES[name](rows, folder / name, trees), k))


def timed(make: Callable[[], Ask]) -> Way:
    """A way, and how long it took to make."""
    begin = time.perf_counter()
    ask = make()
    return Way(ask, time.perf_counter() - begin)


def by_index(index: Index, k: int) -> Ask:
    """Positions alone."""
    return lambda query: index.search(query, k)[0]


def by_sklearn(rows: Rows, k: int) -> Ask:
    """The peer: NearestNeighbors by cosine."""
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(n_neighbors=min(k, len(rows)), algorithm="brute", metric="cosine").fit(rows)
    return lambda query: np.asarray(model.kneighbors(query, return_distance=False), np.int64)


def recall(found: Sequence[Places], wanted: Sequence[Places], seed: int) -> Figure:
    """Share of the exact neighbours that were found."""
    shares = [overlap(one, exact) for one, exact in zip(found, wanted, strict=True)]
    return Figure(float(np.mean(shares)), *bootstrap_interval(shares, seed=seed))

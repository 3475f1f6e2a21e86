"""What rows cost in a Milvus server: insertion, index, memory, search; and a fit over sizes."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log2
from statistics import median

import click
import numpy as np
import numpy.typing as npt
import psutil

from encoders import AffectError, Rows, unit_rows
from experiments.benchmarks.vector_index import parse_sizes
from experiments.statistics.report import BenchmarkReport, add_seed_option, json_option, print_report
from retrieval.cluster import MilvusUrl
from retrieval.cluster.connection import require_client
from retrieval.cluster.schema import (
    INDEX_CHOICES,
    Collection,
    choose_index,
    make_row_collection,
    make_segment_key,
)
from retrieval.cluster.store import STRONG, MilvusStore, make_records
from retrieval.vector_index import find_exact_neighbours

CHUNK_ROWS = 5000
CLUSTER_SIZE, NOISE_NORM = 50, 1.0  # rows about a centre; norm of the noise added to it
QUERY_COUNT, DEPTH, RECALL_AT = 50, 200, 10
PARTITION = "image"
MILLI = 1e-3
EXTRAPOLATED = (10**7, 10**8, 10**9)


@dataclass(frozen=True, kw_only=True)
class SizeMeasurement:
    """A number of rows (n, dim), and what they took.

    resident_bytes: of the server with these rows; memory that it freed before may count, so start it afresh
    """

    rows: int
    dim: int
    index: str
    insert_seconds: float
    build_seconds: float
    resident_bytes: int
    search_ms: float
    recall: float


@click.command("milvus", short_help="What 1e5 to 1e6 rows cost in Milvus, and a fit.")
@click.option("--library", required=True, help="milvus://host:port/name of a server on this machine.")
@click.option("--sizes", default="30000,100000,300000", show_default=True)
@click.option("--dim", type=click.IntRange(2, 32768), default=384, show_default=True)
@click.option(
    "--index",
    "kind",
    type=click.Choice([choice.kind for choice in INDEX_CHOICES]),
    help="Of every size; by default the one that a library of this size has.",
)
@add_seed_option
@json_option
def command(library: str, sizes: str, dim: int, kind: str | None, seed: int, as_json: bool) -> None:
    """Insert synthetic rows, build the index of their number, search; a row for each size, and the fit.

    Rows lie about common centres, 50 each. The collection of each size is removed at the end.
    """
    require_client()
    store = MilvusStore(MilvusUrl.parse(library))
    measurements = [measure_size(store, size, dim, kind, seed) for size in parse_sizes(sizes)]
    report = BenchmarkReport(
        benchmark="milvus",
        settings={"dim": dim, "queries": QUERY_COUNT, "candidates": DEPTH, "seed": seed},
        rows=[asdict(measurement) for measurement in measurements],
        notes=[f"{name}: {json.dumps(value)}" for name, value in fit_costs(measurements).items()],
    )
    print_report(report, as_json=as_json)


def measure_size(
    store: MilvusStore, row_count: int, dim: int, kind: str | None, seed: int
) -> SizeMeasurement:
    """Costs of one number of rows. Raises AffectError where the server is not on this machine.

    kind: of index, by default that of a library of this size
    """
    collection = make_row_collection(f"bench.rows{row_count}", dim)
    server = find_server(store.url.port)
    store.drop(collection)
    store.ensure([collection])
    rows = make_rows(row_count + QUERY_COUNT, dim, seed)
    rows, queries = rows[:-QUERY_COUNT], rows[-QUERY_COUNT:]
    started = time.perf_counter()
    for start in range(0, row_count, CHUNK_ROWS):
        part = rows[start : start + CHUNK_ROWS]
        keys = [make_segment_key(f"{start + i:016x}", 0) for i in range(len(part))]
        store.upsert(collection, make_records(keys, part), PARTITION)
    inserted = time.perf_counter()
    choices = {choice.kind: choice for choice in INDEX_CHOICES}
    choice = choices[kind] if kind else choose_index(collection, row_count)
    store.connection.call(lambda client, seconds: client.flush(store.get_name(collection), timeout=None))
    store.build_index(collection, choice, row_count)
    store.load(collection)
    store.query(collection, "", ["count(*)"], consistency=STRONG)
    built = time.perf_counter()
    recall, search_ms = _search(store, collection, choice.kind, rows, queries)
    measurement = SizeMeasurement(
        rows=row_count, dim=dim, index=choice.kind, insert_seconds=inserted - started,
        build_seconds=built - inserted, resident_bytes=server.memory_info().rss,
        search_ms=search_ms, recall=recall,
    )  # fmt: skip
    store.drop(collection)
    return measurement


def find_server(port: int) -> psutil.Process:
    """The process that listens at a port of this machine. Raises AffectError if there is none."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return psutil.Process(connection.pid)
    raise AffectError(f"no process of this machine listens at port {port}; measure where the server runs")


def make_rows(count: int, dim: int, seed: int) -> Rows:
    """(count, dim) unit rows in random order, CLUSTER_SIZE about each random centre."""
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng.standard_normal((max(count // CLUSTER_SIZE, 1), dim)).astype(np.float32))
    noise = rng.standard_normal((count, dim), np.float32) * np.float32(NOISE_NORM * dim**-0.5)
    return unit_rows(centres[rng.integers(len(centres), size=count)] + noise)


def _search(
    store: MilvusStore, collection: Collection, kind: str, rows: Rows, queries: Rows
) -> tuple[float, float]:
    """Recall at RECALL_AT among DEPTH candidates, and the median milliseconds of a query."""
    exact = find_exact_neighbours(rows.astype(np.float16), queries, RECALL_AT)
    hits, seconds = 0, []
    for query, nearest in zip(queries, exact, strict=True):
        started = time.perf_counter()
        found = store.search(collection, query[None], DEPTH, PARTITION, kind)[0]
        seconds.append(time.perf_counter() - started)
        hits += len({make_segment_key(f"{i:016x}", 0) for i in nearest.tolist()} & set(found))
    return hits / exact.size, median(seconds) / MILLI


def fit_costs(measurements: Sequence[SizeMeasurement]) -> dict[str, object]:
    """Least squares over the sizes that have the index of the last: of n, or of n log2 n for the build."""
    measurements = [one for one in measurements if one.index == measurements[-1].index]
    n = np.array([one.rows for one in measurements], np.float64)
    costs = {
        "resident_bytes": (n, [one.resident_bytes for one in measurements]),
        "insert_seconds": (n, [one.insert_seconds for one in measurements]),
        "build_seconds": (n * np.log2(n), [one.build_seconds for one in measurements]),
    }
    fits = {name: _fit_line(x, np.array(y, np.float64)) for name, (x, y) in costs.items()}
    return {
        "fit": {name: {"offset": offset, "slope": slope} for name, (offset, slope) in fits.items()},
        "extrapolated": [
            {
                "rows": rows,
                "GiB": (fits["resident_bytes"][0] + fits["resident_bytes"][1] * rows) / 2**30,
                "insert hours": (fits["insert_seconds"][0] + fits["insert_seconds"][1] * rows) / 3600,
                "build hours": (fits["build_seconds"][0] + fits["build_seconds"][1] * rows * log2(rows))
                / 3600,
            }
            for rows in EXTRAPOLATED
        ],
    }


def _fit_line(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[float, float]:
    """(offset, slope) of least squares; through the origin for a single point."""
    if len(x) < 2:
        return 0.0, float(y[0] / x[0])
    slope, offset = np.polyfit(x, y, 1)
    return float(offset), float(slope)

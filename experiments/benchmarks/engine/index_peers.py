"""The engine's large index beside those of other libraries, on the same rows: build, size, memory, recall."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from encoders import Rows, unit_rows
from experiments.benchmarks.timing import summarise_seconds, time_in_turns
from experiments.statistics.report import Cell
from retrieval.evaluation import Estimate, compute_proportion_interval
from retrieval.vector_index import INDEX_KINDS, StoredRows, find_exact_neighbours

MEBI, MILLI = 1 << 20, 1e-3
NEIGHBOUR_COUNT = 10
DEGREE, BUILD_EFFORT, SEARCH_EFFORT = 16, 100, 100  # of the graphs: M, ef_construction, ef
FAISS_EFFORT = 64
Search = Callable[[Rows], Any]
Builder = Callable[[Rows, Path], Search]


def compare_indices(rows: Rows, rounds: int, seed: int) -> list[dict[str, Cell]]:
    """A row of the table for each index; one whose package is absent says so."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((rounds, rows.shape[1]), np.float32) * np.float32(0.5 / rows.shape[1] ** 0.5)
    queries = unit_rows(rows[rng.choice(len(rows), rounds)] + noise)
    exact = find_exact_neighbours(rows, queries, NEIGHBOUR_COUNT)
    table: list[dict[str, Cell]] = []
    with tempfile.TemporaryDirectory() as folder:
        searches: dict[str, Search] = {}
        for name, (package, build) in BUILDERS.items():
            if find_spec(package) is None:
                table.append({"measured": f"index: {name}", "built, s": "not installed"})
                continue
            path = Path(folder) / name.split(",")[0].replace(" ", "-")
            start = time.perf_counter()
            searches[name] = build(rows, path)
            seconds = time.perf_counter() - start
            row: dict[str, Cell] = {"measured": f"index: {name}, ms", "built, s": seconds}
            table.append({**row, "size, MiB": _measure_bytes(path) / MEBI})
        calls = {name: (lambda i, search=one: search(queries[i : i + 1])) for name, one in searches.items()}
        timed = time_in_turns(calls, rounds)
        for name, search in searches.items():
            row = next(row for row in table if str(row["measured"]).startswith(f"index: {name}"))
            found = [search(queries[i : i + 1]) for i in range(rounds)]
            row["median (least to most)"] = summarise_seconds(timed[name], MILLI)
            row["recall at 10"] = _estimate_recall(found, exact)
    return table


def _estimate_recall(found: Sequence[Any], exact: np.ndarray[Any, Any]) -> Estimate:
    shares = [
        len(set(np.ravel(one).tolist()) & set(nearest.tolist())) / NEIGHBOUR_COUNT
        for one, nearest in zip(found, exact, strict=True)
    ]
    return Estimate(float(np.mean(shares)), *compute_proportion_interval(shares))


def _measure_bytes(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size if path.exists() else 0


def _build_own(rows: Rows, path: Path) -> Search:
    kind, stored = INDEX_KINDS["faiss"], _store(rows, path.with_suffix(".f16"))
    index = kind.build(stored, path, {}, 0)
    index.effort = FAISS_EFFORT
    return lambda query: index.search(query, NEIGHBOUR_COUNT)[0]


def _store(rows: Rows, path: Path) -> StoredRows:
    """The rows in a file, as a library keeps them."""
    rows.astype(np.float16).tofile(path)
    return np.memmap(path, np.float16, "r", shape=rows.shape)


def _build_flat(rows: Rows, path: Path) -> Search:
    import faiss

    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    faiss.write_index(index, str(path))
    return lambda query: index.search(query, NEIGHBOUR_COUNT)[1]


def _build_hnswlib(rows: Rows, path: Path) -> Search:
    import hnswlib

    index = hnswlib.Index(space="ip", dim=rows.shape[1])
    index.init_index(max_elements=len(rows), M=DEGREE, ef_construction=BUILD_EFFORT, random_seed=0)
    index.add_items(rows, num_threads=os.cpu_count())
    index.set_ef(SEARCH_EFFORT)
    index.save_index(str(path))
    return lambda query: index.knn_query(query, k=NEIGHBOUR_COUNT, num_threads=1)[0]


def _build_usearch(rows: Rows, path: Path) -> Search:
    from usearch.index import Index

    index = Index(
        ndim=rows.shape[1], metric="ip", dtype="f16", connectivity=DEGREE, expansion_add=BUILD_EFFORT,
        expansion_search=SEARCH_EFFORT,
    )  # fmt: skip
    index.add(np.arange(len(rows)), rows)
    index.save(str(path))
    return lambda query: index.search(query[0], NEIGHBOUR_COUNT).keys


def _build_lancedb(rows: Rows, path: Path) -> Search:
    import lancedb
    import pyarrow

    path.mkdir()
    vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), rows.shape[1])
    data = pyarrow.table({"id": np.arange(len(rows)), "vector": vectors})
    table = lancedb.connect(str(path)).create_table("rows", data)
    table.create_index(
        metric="dot", num_partitions=round(len(rows) ** 0.5), num_sub_vectors=rows.shape[1] // 8
    )

    def search(query: Rows) -> Any:
        found = table.search(query[0]).distance_type("dot").nprobes(FAISS_EFFORT).refine_factor(10)
        return found.limit(NEIGHBOUR_COUNT).select(["id"]).to_arrow()["id"].to_numpy()

    return search


BUILDERS: dict[str, tuple[str, Builder]] = {  # (package, function) by name
    "the engine's, FAISS IVF-PQ and exact rescoring": ("faiss", _build_own),
    "FAISS flat, exact": ("faiss", _build_flat),
    "hnswlib": ("hnswlib", _build_hnswlib),
    "usearch, float16": ("usearch", _build_usearch),
    "LanceDB, IVF-PQ and rescoring": ("lancedb", _build_lancedb),
}

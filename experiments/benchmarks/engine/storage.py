"""Opening a large library, seeing new items in it, its memory and its bytes per item."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from encoders import AffectError
from experiments.benchmarks.engine.fused_queries import QUERY, QuerySet
from experiments.benchmarks.synthetic_library import RowSampler, append_synthetic_items
from experiments.statistics.report import Cell, Requirement
from retrieval.search import Engine
from retrieval.storage import CATALOG_NAME, Library

MEBI = 1 << 20
NEW_ITEM_COUNT = 1000
MAX_OPEN_SECONDS, MAX_VISIBLE_SECONDS = 0.2, 1.0
OPEN_RUNS = 9
OPEN_SCRIPT = """
import sys, time
from pathlib import Path
from retrieval.search import Engine
from retrieval.storage import Library
Library.open(Path(sys.argv[2])).close()  # modules and encoders, which a small library needs as well
start = time.perf_counter()
engine = Engine(Library.open(Path(sys.argv[1])))
print(time.perf_counter() - start)
"""
MEMORY_SCRIPT = """
import sys
from pathlib import Path
import psutil
from experiments.benchmarks.engine.fused_queries import QUERY, QuerySet
from retrieval.search import Engine
from retrieval.storage import Library

def run_queries(folder):
    with Engine(Library.open(Path(folder))) as engine:
        opened = psutil.Process().memory_full_info().uss
        for part in QuerySet.draw(engine.snapshot, int(sys.argv[3]), int(sys.argv[4])).parts:
            engine.run_encoded_query(QUERY, [part])
        return opened, psutil.Process().memory_full_info().uss

run_queries(sys.argv[2])  # modules
before = psutil.Process().memory_full_info().uss
opened, queried = run_queries(sys.argv[1])
print(opened - before, queried - before)
"""


def measure_opening(folder: Path, small_folder: Path) -> float:
    """Median seconds to open a library and its engine, each time in a new process with its modules loaded."""
    seconds = [float(_run_script(OPEN_SCRIPT, str(folder), str(small_folder))) for _ in range(OPEN_RUNS)]
    return float(np.median(seconds))


def measure_new_items(folder: Path, item_count: int, queries: QuerySet, seed: int) -> float:
    """Seconds of the first query of a running engine after another process's commit of NEW_ITEM_COUNT items.

    The catalogue is put back afterwards, and with it the library: what its files hold beyond is ignored.
    """
    catalog = folder / CATALOG_NAME
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        backup = Path(shutil.copyfile(catalog, Path(place) / CATALOG_NAME))
        try:
            return _time_after_commit(folder, item_count, queries, seed)
        finally:
            backup.replace(catalog)


def _time_after_commit(folder: Path, item_count: int, queries: QuerySet, seed: int) -> float:
    with (
        closing(Library.open(folder)) as library,
        closing(Library.open(folder)) as writer,
        Engine(library) as engine,
    ):
        engine.run_encoded_query(QUERY, [queries.parts[0]])
        with writer.lock_for_writing(), writer.catalog.transaction():
            numbers = np.arange(item_count, item_count + NEW_ITEM_COUNT)
            append_synthetic_items(writer, RowSampler(item_count, seed), numbers)
        start = time.perf_counter()
        engine.run_encoded_query(QUERY, [queries.parts[0]])
        seconds = time.perf_counter() - start
        if engine.snapshot.item_count != item_count + NEW_ITEM_COUNT:
            raise AffectError(f"{folder}: the new items are not found")
        return seconds


def measure_memory(folder: Path, small_folder: Path, query_count: int, seed: int) -> Mapping[str, float]:
    """MiB of private memory that a new process needs to open the library, and to answer queries.

    Pages of mapped files do not count: they are the system's cache, which takes them back when it needs them.
    """
    words = [MEMORY_SCRIPT, str(folder), str(small_folder), str(query_count), str(seed)]
    opened, queried = (float(value) / MEBI for value in _run_script(*words).split())
    return {"opened": opened, "queried": queried}


def _run_script(script: str, *arguments: str) -> str:
    """What a script prints in a new process. Raises AffectError if it fails."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise AffectError(f"{arguments[0]}: measuring failed: {done.stderr.strip()}")
    return done.stdout


def measure_bytes_per_item(folder: Path, item_count: int) -> dict[str, float]:
    """Bytes an item on disk, by what they are for."""
    groups: dict[str, float] = {"catalogue": 0, "columns": 0, "full rows": 0, "index files": 0}
    for path in folder.rglob("*"):
        if path.is_file():
            groups[_name_group(path, folder)] += path.stat().st_size
    return {name: size / item_count for name, size in groups.items()}


def _name_group(path: Path, folder: Path) -> str:
    top = path.relative_to(folder).parts[0]
    if top == "rows":
        return "full rows" if path.suffix == ".f16" else "columns"
    return "catalogue" if top.startswith(("catalog", "lock")) else "index files"


def make_storage_report(
    opening: float, visible: float, memory: Mapping[str, float], bytes_per_item: Mapping[str, float]
) -> tuple[list[dict[str, Cell]], list[Requirement]]:
    """Rows of the table, and requirements."""
    values = {
        "opening it and its engine, ms": opening * 1000,
        f"query after {NEW_ITEM_COUNT} new items, ms": visible * 1000,
        "private memory, opened, MiB": memory["opened"],
        "private memory after queries, MiB": memory["queried"],
        **{f"bytes an item, {name}": size for name, size in bytes_per_item.items()},
    }
    rows: list[dict[str, Cell]] = [
        {"measured": f"library: {name}", "median (least to most)": value} for name, value in values.items()
    ]
    requirements = [
        Requirement("opening, ms", opening * 1000, MAX_OPEN_SECONDS * 1000, is_minimum=False),
        Requirement("new items found, ms", visible * 1000, MAX_VISIBLE_SECONDS * 1000, is_minimum=False),
    ]
    return rows, requirements

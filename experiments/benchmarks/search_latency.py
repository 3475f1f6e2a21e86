"""Latency of a search: `affect search` as a new process, and a query in a running process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import click
import numpy as np

from encoders import AffectError, get_cache_dir, to_printable
from encoders.media import DEFAULT_SEGMENT_SECONDS, Probe
from experiments.benchmarks.throughput import MEDIA_SETS, list_media_files
from experiments.benchmarks.timing import summarise_seconds
from experiments.datasets import DATA_ROOT
from experiments.statistics.report import (
    BenchmarkReport,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.features import PipelineConfig
from retrieval.indexing import Indexer
from retrieval.search import Engine, Query
from retrieval.search.calibration import BACKGROUND_SENTENCES
from retrieval.storage import EncodedFile, FileStamp, Library

MAX_COLD_SECONDS, MAX_WARM_SECONDS = 4.0, 0.050  # medians
MILLI = 1e-3
COMMIT_BATCH_SIZE = 100


@click.command("cold", short_help="Seconds of a search, in a new process and in a running one.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--items", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--synthetic", is_flag=True, help="Random features in place of real media.")
@click.option("--runs", type=click.IntRange(1), default=7, show_default=True, help="New processes.")
@click.option("--queries", type=click.IntRange(1), default=200, show_default=True, help="Warm queries.")
@add_seed_option
@json_option
def command(
    data: Path, items: int, synthetic: bool, runs: int, queries: int, seed: int, as_json: bool
) -> None:
    """Search a library by words; the library is built once and kept in the cache folder.

    Its media are photos, then videos, then sounds, as many as there are.
    """
    if synthetic:
        with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
            library = Path(folder) / "library"
            build_synthetic_library(library, items, seed)
            report = run_benchmark(library, runs, queries)
    else:
        report = run_benchmark(build_cached_library(data, items), runs, queries)
    print_report(report, as_json=as_json)


def run_benchmark(folder: Path, process_count: int, query_count: int) -> BenchmarkReport:
    """Time new processes, then queries in this process."""
    cold = np.array(
        [
            time_search_process(folder, BACKGROUND_SENTENCES[i % len(BACKGROUND_SENTENCES)])
            for i in range(process_count + 1)
        ]
    )[1:]
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        items = engine.snapshot.item_count
        warm = np.array(
            [
                time_query(engine, BACKGROUND_SENTENCES[i % len(BACKGROUND_SENTENCES)])
                for i in range(query_count + 1)
            ]
        )[1:]
    return BenchmarkReport(
        benchmark="cold",
        settings={"items": items, "runs": process_count, "queries": query_count},
        rows=[
            {"search": "a new process, s", "median (least to most)": summarise_seconds(cold)},
            {"search": "in a running process, ms", "median (least to most)": summarise_seconds(warm, MILLI)},
        ],
        requirements=[
            Requirement(
                "cold search, s (median)", float(np.median(cold)), MAX_COLD_SECONDS, is_minimum=False
            ),
            Requirement(
                "warm search, ms (median)",
                float(np.median(warm)) / MILLI,
                MAX_WARM_SECONDS / MILLI,
                is_minimum=False,
            ),
        ],
        notes=["one run of each goes ahead uncounted, so files are in the system's memory"],
    )


def time_search_process(folder: Path, text: str) -> float:
    """Seconds of a `python -m retrieval search` from start to exit. Raises AffectError if it fails."""
    command = [sys.executable, "-m", "retrieval", "search", text, "--library", str(folder), "--json"]
    start = time.perf_counter()
    completed = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if completed.returncode:
        raise AffectError(f"the search failed: {completed.stderr.strip()}")
    return seconds


def time_query(engine: Engine, text: str) -> float:
    """Seconds of one text query."""
    start = time.perf_counter()
    engine.search(Query(text=text))
    return time.perf_counter() - start


def build_cached_library(data_root: Path, item_count: int) -> Path:
    """The library of the first files of the data sets, cached; an interrupted build is resumed."""
    paths = [path for _, folder in MEDIA_SETS.values() for path in list_media_files(data_root, folder)][
        :item_count
    ]
    if len(paths) < item_count:
        raise AffectError(
            f"{data_root}: {len(paths)} files, not {item_count}; ask for fewer --items, or --synthetic"
        )
    content = "\n".join([PipelineConfig().to_json(), *map(str, paths)])
    folder = get_cache_dir() / "bench" / f"library-{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    library = (
        Library.open(folder)
        if Library.exists(folder)
        else Library.create(folder, PipelineConfig(), DEFAULT_SEGMENT_SECONDS)
    )
    click.echo(f"library of {item_count} files: {to_printable(folder)}", err=True)
    with closing(library), library.lock_for_writing():
        Indexer(library, lambda _: None).run(paths, jobs=2)
    return folder


def build_synthetic_library(folder: Path, item_count: int, seed: int) -> None:
    """A library of images with random features, written by the library's own commit."""
    rng = np.random.default_rng(seed)
    library = Library.create(folder, PipelineConfig(), DEFAULT_SEGMENT_SECONDS)
    probe = Probe(
        modality="image",
        duration=None,
        width=1,
        height=1,
        fps=None,
        sample_rate=None,
        channels=None,
        format="none",
    )
    with closing(library), library.lock_for_writing():
        for start in range(0, item_count, COMMIT_BATCH_SIZE):
            numbers = range(start, min(start + COMMIT_BATCH_SIZE, item_count))
            library.commit([make_synthetic_item(library, i, probe, rng) for i in numbers])


def make_synthetic_item(
    library: Library, item_number: int, probe: Probe, rng: np.random.Generator
) -> EncodedFile:
    """An image with random object features; features of all other roles are missing."""
    cards = {role: library.pipeline.get_encoder(role).card for role in library.pipeline.media_roles}
    features = {role: np.full((1, card.dim), np.nan, np.float32) for role, card in cards.items()}
    features["objects"] = rng.exponential(0.3, (1, cards["objects"].dim)).astype(np.float32)
    return EncodedFile(
        path=Path(f"/nowhere/{item_number:06}.jpg"), stamp=FileStamp(size=item_number, mtime_ns=0),
        item_id=hashlib.sha256(f"{item_number}".encode()).hexdigest()[:16], probe=probe, spans=[(None, None)],
        features=features,
    )  # fmt: skip

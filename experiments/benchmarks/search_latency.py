"""How long an answer takes: `affect search` as a whole new process, and a query of one that is running."""

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

from encoders.base import AffectError, printable
from encoders.media import Probe
from encoders.onnx_runtime import cache_dir
from experiments.benchmarks.throughput import SETS, media
from experiments.benchmarks.timing import spread
from experiments.datasets import DATA
from experiments.statistics.report import Bar, Report, json_option, publish, seed_option
from retrieval.features.pipeline import Recipe
from retrieval.indexing.indexer import Indexer
from retrieval.search.calibration import SENTENCES
from retrieval.search.engine import Engine
from retrieval.search.query import Query
from retrieval.storage.catalog import Stamp
from retrieval.storage.library import Encoded, Library

COLD, WARM = 4.0, 0.050  # seconds at most
MILLI = 1e-3
BATCH = 100


@click.command("cold", short_help="Seconds of a search, in a new process and in a running one.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--items", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--synthetic", is_flag=True, help="Random features in place of real media.")
@click.option("--runs", type=click.IntRange(1), default=7, show_default=True, help="New processes.")
@click.option("--queries", type=click.IntRange(1), default=200, show_default=True, help="Warm queries.")
@seed_option
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
            fill(library, items, seed)
            report = measured(library, runs, queries)
    else:
        report = measured(kept_library(data, items), runs, queries)
    publish(report, as_json=as_json)


def measured(folder: Path, runs: int, queries: int) -> Report:
    """Time new processes, then queries in this one."""
    cold = np.array([new_process(folder, SENTENCES[i % len(SENTENCES)]) for i in range(runs + 1)])[1:]
    with closing(Library.open(folder)) as library, Engine(library) as engine:
        items = len(engine.snapshot.ids)
        warm = np.array([ask(engine, SENTENCES[i % len(SENTENCES)]) for i in range(queries + 1)])[1:]
    return Report(
        bench="cold",
        settings={"items": items, "runs": runs, "queries": queries},
        rows=[
            {"search": "a new process, s", "median (least to most)": spread(cold)},
            {"search": "in a running process, ms", "median (least to most)": spread(warm, MILLI)},
        ],
        bars=[
            Bar("cold search, s (median)", float(np.median(cold)), COLD, least=False),
            Bar("warm search, ms (median)", float(np.median(warm)) / MILLI, WARM / MILLI, least=False),
        ],
        notes=["one run of each goes ahead uncounted, so files are in the system's memory"],
    )


def new_process(folder: Path, text: str) -> float:
    """Seconds from starting `python -m retrieval search` to its end. Raises AffectError if it fails."""
    command = [sys.executable, "-m", "retrieval", "search", text, "--library", str(folder), "--json"]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    spent = time.perf_counter() - begin
    if done.returncode:
        raise AffectError(f"the search failed: {done.stderr.strip()}")
    return spent


def ask(engine: Engine, text: str) -> float:
    """Seconds of one query by words."""
    begin = time.perf_counter()
    engine.search(Query(text=text))
    return time.perf_counter() - begin


def kept_library(data: Path, items: int) -> Path:
    """The library of the first files of the data sets, built, or finished where a run was stopped."""
    paths = [path for _, folder in SETS.values() for path in media(data, folder)][:items]
    if len(paths) < items:
        raise AffectError(f"{data}: {len(paths)} files, not {items}; ask for fewer --items, or --synthetic")
    named = "\n".join([Recipe().to_json(), *map(str, paths)])
    folder = cache_dir() / "bench" / f"library-{hashlib.sha256(named.encode()).hexdigest()[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    library = Library.open(folder) if Library.exists(folder) else Library.create(folder, Recipe(), 15.0)
    click.echo(f"library of {items} files: {printable(folder)}", err=True)
    with closing(library), library.writing():
        Indexer(library, lambda _: None).run(paths, jobs=2)
    return folder


def fill(folder: Path, items: int, seed: int) -> None:
    """A library of images that never were: random features, through the same commit."""
    rng = np.random.default_rng(seed)
    library = Library.create(folder, Recipe(), 15.0)
    probe = Probe(
        modality="image", duration=None, width=1, height=1, fps=None, rate=None, channels=None, format="none"
    )
    with closing(library), library.writing():
        for start in range(0, items, BATCH):
            numbers = range(start, min(start + BATCH, items))
            library.commit([invented(library, i, probe, rng) for i in numbers])


def invented(library: Library, number: int, probe: Probe, rng: np.random.Generator) -> Encoded:
    """One item: what the object expert might see, and nothing for the others."""
    cards = {role: library.experts.role(role).card for role in library.experts.media_roles}
    features = {role: np.full((1, card.dim), np.nan, np.float32) for role, card in cards.items()}
    features["objects"] = rng.exponential(0.3, (1, cards["objects"].dim)).astype(np.float32)
    return Encoded(
        path=Path(f"/nowhere/{number:06}.jpg"), stamp=Stamp(size=number, mtime_ns=0),
        item=hashlib.sha256(f"{number}".encode()).hexdigest()[:16], probe=probe, spans=[(None, None)],
        features=features,
    )  # fmt: skip

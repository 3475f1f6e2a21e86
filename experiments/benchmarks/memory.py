"""The most memory that indexing one long video takes, all processes together."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from encoders.base import AffectError
from experiments.benchmarks.process_memory import Peak, watched
from experiments.statistics.report import Bar, Report, json_option, publish, seed_option
from retrieval.samples.media_writer import Wave, write_clip

BAR = 2.0  # GiB at most
GIB = 2**30
WIDTH, HEIGHT, FPS, RATE = 320, 180, 5, 16000
WANDER = 256  # px the camera goes along before it begins again


@click.command("memory", short_help="Peak memory of indexing a long video.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), default=2.0, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@seed_option
@json_option
def command(hours: float, jobs: int, seed: int, as_json: bool) -> None:
    """Write a video with sound, index it by `python -m retrieval index`, and watch all its processes."""
    seconds = max(round(hours * 3600), 1)
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as name:
        film = write_film(Path(name) / "film.mkv", seconds, seed)
        size = film.stat().st_size
        peak = index(film, Path(name), jobs)
    publish(told(peak, seconds, size, jobs, seed), as_json=as_json)


def index(film: Path, folder: Path, jobs: int) -> Peak:
    """Index a film into a new library. Raises AffectError where that fails."""
    command = [sys.executable, "-m", "retrieval", "index", str(film), "--library", str(folder / "library")]
    peak = watched([*command, "--jobs", str(jobs), "--json"], folder / "log")
    said = json.loads(peak.output.splitlines()[-1]) if peak.code == 0 else {}
    if said.get("indexed") != 1:
        raise AffectError(f"indexing failed: {peak.output.strip()[-400:]}")
    return peak


def told(peak: Peak, seconds: int, size: int, jobs: int, seed: int) -> Report:
    """The peaks in GiB."""
    found = {
        "all processes (PSS)": peak.total,
        "all processes (RSS)": peak.resident,
        "decoder processes (RSS)": peak.workers,
        "largest process (ru_maxrss)": peak.largest,
    }
    return Report(
        bench="memory",
        settings={
            "hours": seconds / 3600, "pixels": f"{WIDTH}x{HEIGHT}", "fps": FPS, "sound Hz": RATE,
            "file MiB": round(size / 2**20, 1), "jobs": jobs, "seed": seed,
        },
        rows=[{"held by": name, "peak GiB": held / GIB} for name, held in found.items()],
        bars=[Bar("peak of all processes, GiB (PSS)", peak.total / GIB, BAR, least=False)],
        notes=[
            "PSS: a page that k processes share counts as a k-th in each; RSS: in full in each",
            f"{peak.looks} looks in {peak.seconds:.1f} s, {seconds / peak.seconds:.1f} times real time",
        ],
    )  # fmt: skip


def write_film(path: Path, seconds: int, seed: int) -> Path:
    """A camera that wanders over blots of colour, with a tone that climbs; H.264 and AAC in Matroska."""
    write_clip(path, frames(seconds, seed), FPS, sound(seconds), RATE, {"preset": "ultrafast"})
    return path


def frames(seconds: int, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Views (180, 320, 3) of a wide picture, another picture every minute."""
    import cv2

    rng = np.random.default_rng(seed)
    for start, end in pairwise([*range(0, seconds, 60), seconds]):
        blots = rng.integers(0, 256, (6, 18, 3), np.uint8)
        wide = cv2.resize(blots, (WIDTH + WANDER, HEIGHT), interpolation=cv2.INTER_CUBIC)
        for number in range((end - start) * FPS):
            left = number % WANDER
            yield np.ascontiguousarray(wide[:, left : left + WIDTH], np.uint8)


def sound(seconds: int) -> Iterator[Wave]:
    """A second (16000,) at a time."""
    times = np.arange(RATE) / RATE
    for second in range(seconds):
        yield 0.25 * np.sin(2 * np.pi * (200 + 10 * (second % 60)) * times)

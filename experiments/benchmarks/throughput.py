"""How much media goes into a fresh library in a second, from reading the files to the commit on disk."""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np

from encoders.base import AffectError, Encoder, Rows
from experiments.datasets import DATA
from experiments.statistics.report import Cell, Figure, Report, json_option, publish
from retrieval.features.pipeline import Experts, Recipe
from retrieval.indexing.indexer import Indexer, Progress
from retrieval.storage.catalog import Catalog
from retrieval.storage.library import Encoded, Library

SETS = {
    "photos": ("images", "flickr1k/images"),
    "clips": ("video s", "av_clips/videos"),
    "short sounds": ("sound s", "animal_sounds/audio"),
    "music": ("sound s", "wesnoth_music"),
}
STAGES = ("objects", "activity", "faces", "sound", "tone", "project, commit")
SHARED = ("look", "encode_seen")  # ways of the encoders that work together
MEDIA = {".jpg", ".png", ".mp4", ".mkv", ".webm", ".ogg", ".wav"}
WARM = 3  # files of each kind indexed beforehand: networks are exported and loaded then
DECODING = "waiting for decoders, other"


class Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def on(self, stage: str) -> Iterator[None]:
        """Count what happens inside for a stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.spent[stage] += time.perf_counter() - begin


class TimedEncoder:
    """An encoder whose `encode` is timed; all else is the encoder's own."""

    def __init__(self, encoder: Encoder, clock: Clock, stage: str) -> None:
        self._encoder, self._clock, self._stage = encoder, clock, stage

    def __getattr__(self, name: str) -> Any:
        """Whatever else the encoder has; what it shares with another one is timed too."""
        found = getattr(self._encoder, name)
        return self._timed(found) if name in SHARED else found

    def _timed(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            with self._clock.on(self._stage):
                return work(*given)

        return timed

    def encode(self, items: Sequence[Any]) -> Rows:
        """As the encoder does."""
        with self._clock.on(self._stage):
            return self._encoder.encode(items)


class TimedExperts(Experts):
    """Experts that are timed."""

    def __init__(self, recipe: Recipe, clock: Clock) -> None:
        super().__init__(recipe)
        self._clock = clock

    def role(self, role: str) -> Encoder:
        """The encoder of a role, timed."""
        timed: Any = TimedEncoder(super().role(role), self._clock, role)
        return timed


class TimedLibrary(Library):
    """A library whose experts and commits are timed on `clock`."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder, catalog)
        self.clock = Clock()
        self.experts = TimedExperts(self.recipe, self.clock)

    def commit(self, batch: Sequence[Encoded]) -> None:
        """As a library does, with the projection into spaces."""
        with self.clock.on("project, commit"):
            super().commit(batch)


@click.command("throughput", short_help="Images, video and sound indexed per second.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Decoder processes.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--files", type=click.IntRange(1), help="Take only so many of each kind.")
@json_option
def command(data: Path, jobs: int, rounds: int, files: int | None, as_json: bool) -> None:
    """Index photos, videos and sounds end to end, every round into a new library."""
    chosen = {name: media(data, folder)[:files] for name, (_, folder) in SETS.items()}
    index_once([path for paths in chosen.values() for path in paths[:WARM]], jobs)
    runs = {name: [index_once(paths, jobs) for _ in range(rounds)] for name, paths in chosen.items()}
    report = Report(
        bench="throughput",
        settings={"jobs": jobs, "rounds": rounds, **Recipe().__dict__},
        rows=[told(name, unit, runs[name]) for name, (unit, _) in SETS.items()],
        notes=["median (least to most) over rounds; shares are of the main process's time, first round"],
    )
    publish(report, as_json=as_json)


def media(data: Path, folder: str) -> list[Path]:
    """Files below a folder of the data sets, in order. Raises AffectError if there are none."""
    found = [file for file in sorted((data / folder).rglob("*")) if file.suffix.lower() in MEDIA]
    if not found:
        raise AffectError(f"{data / folder}: no media; name the folder of the data sets with --data")
    return found


def index_once(paths: Sequence[Path], jobs: int) -> tuple[Progress, float, Mapping[str, float]]:
    """Index into a library that is thrown away: counts, seconds, seconds by stage."""
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
        library = TimedLibrary.create(Path(folder) / "library", Recipe(), 15.0)
        with closing(library), library.writing():
            begin = time.perf_counter()
            progress = Indexer(library, lambda _: None).run(paths, jobs)
            spent = time.perf_counter() - begin
    return progress, spent, library.clock.spent  # type: ignore[attr-defined]


def told(
    name: str, unit: str, runs: Sequence[tuple[Progress, float, Mapping[str, float]]]
) -> dict[str, Cell]:
    """A row: how much there is, how much of it a second, and where the time goes."""
    progress, total, stages = runs[0]
    amount = {"images": progress.images, "video s": progress.video_seconds, "sound s": progress.sound_seconds}
    rates = [amount[unit] / seconds for _, seconds, _ in runs]
    waited = total - sum(stages.values())
    shares = {stage: stages.get(stage, 0) for stage in STAGES} | {DECODING: waited}
    return {
        "what": name, "files": progress.indexed, "failed": len(progress.failed), "amount": amount[unit],
        "unit": unit, "a second": Figure(float(np.median(rates)), min(rates), max(rates)),
        **{f"% {stage}": 100 * seconds / total for stage, seconds in shares.items()},
    }  # fmt: skip

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
from experiments.datasets import DATA_ROOT
from experiments.statistics.report import BenchmarkReport, Cell, json_option, print_report
from retrieval.evaluation.estimate import Estimate
from retrieval.features.config import PipelineConfig
from retrieval.features.pipeline import FeaturePipeline
from retrieval.indexing.indexer import Indexer, IndexProgress
from retrieval.storage.catalog import Catalog
from retrieval.storage.library import EncodedFile, Library

MEDIA_SETS = {
    "photos": ("images", "flickr1k/images"),
    "clips": ("video s", "av_clips/videos"),
    "short sounds": ("sound s", "animal_sounds/audio"),
    "music": ("sound s", "wesnoth_music"),
}
STAGES = ("objects", "activity", "faces", "sound", "tone", "project, commit")
SHARED_METHODS = ("extract_features", "encode_features")  # ways of the encoders that work together
MEDIA_SUFFIXES = {".jpg", ".png", ".mp4", ".mkv", ".webm", ".ogg", ".wav"}
WARMUP_FILES = 3  # files of each kind indexed beforehand: networks are exported and loaded then
OTHER_STAGE = "waiting for decoders, other"


class StageTimer:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds_by_stage: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def time_stage(self, stage: str) -> Iterator[None]:
        """Count what happens inside for a stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds_by_stage[stage] += time.perf_counter() - begin


class TimedEncoder:
    """An encoder whose `encode` is timed; all else is the encoder's own."""

    def __init__(self, encoder: Encoder, timer: StageTimer, stage: str) -> None:
        self._encoder, self._timer, self._stage = encoder, timer, stage

    def __getattr__(self, name: str) -> Any:
        """Whatever else the encoder has; what it shares with another one is timed too."""
        found = getattr(self._encoder, name)
        return self._wrap_with_timer(found) if name in SHARED_METHODS else found

    def _wrap_with_timer(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            with self._timer.time_stage(self._stage):
                return function(*given)

        return timed

    def encode(self, items: Sequence[Any]) -> Rows:
        """As the encoder does."""
        with self._timer.time_stage(self._stage):
            return self._encoder.encode(items)


class TimedPipeline(FeaturePipeline):
    """Experts that are timed."""

    def __init__(self, config: PipelineConfig, timer: StageTimer) -> None:
        super().__init__(config)
        self._timer = timer

    def get_encoder(self, role: str) -> Encoder:
        """The encoder of a role, timed."""
        timed: Any = TimedEncoder(super().get_encoder(role), self._timer, role)
        return timed


class TimedLibrary(Library):
    """A library whose experts and commits are timed on `timer`."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder, catalog)
        self.timer = StageTimer()
        self.pipeline = TimedPipeline(self.config, self.timer)

    def commit(self, batch: Sequence[EncodedFile]) -> None:
        """As a library does, with the projection into spaces."""
        with self.timer.time_stage("project, commit"):
            super().commit(batch)


@click.command("throughput", short_help="Images, video and sound indexed per second.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Decoder processes.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--files", type=click.IntRange(1), help="Take only so many of each kind.")
@json_option
def command(data: Path, jobs: int, rounds: int, files: int | None, as_json: bool) -> None:
    """Index photos, videos and sounds end to end, every round into a new library."""
    chosen = {name: list_media_files(data, folder)[:files] for name, (_, folder) in MEDIA_SETS.items()}
    index_once([path for paths in chosen.values() for path in paths[:WARMUP_FILES]], jobs)
    runs = {name: [index_once(paths, jobs) for _ in range(rounds)] for name, paths in chosen.items()}
    report = BenchmarkReport(
        benchmark="throughput",
        settings={"jobs": jobs, "rounds": rounds, **PipelineConfig()},
        rows=[make_table_row(name, unit, runs[name]) for name, (unit, _) in MEDIA_SETS.items()],
        notes=["median (least to most) over rounds; shares are of the main process's time, first round"],
    )
    print_report(report, as_json=as_json)


def list_media_files(data_root: Path, folder: str) -> list[Path]:
    """Files below a folder of the data sets, in order. Raises AffectError if there are none."""
    found = [
        file for file in sorted((data_root / folder).rglob("*")) if file.suffix.lower() in MEDIA_SUFFIXES
    ]
    if not found:
        raise AffectError(f"{data_root / folder}: no media; name the folder of the data sets with --data")
    return found


def index_once(paths: Sequence[Path], jobs: int) -> tuple[IndexProgress, float, Mapping[str, float]]:
    """Index into a library that is thrown away: counts, seconds, seconds by stage."""
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
        library = TimedLibrary.create(Path(folder) / "library", PipelineConfig(), 15.0)
        with closing(library), library.lock_for_writing():
            begin = time.perf_counter()
            progress = Indexer(library, lambda _: None).run(paths, jobs)
            spent = time.perf_counter() - begin
    return progress, spent, library.timer.seconds_by_stage  # type: ignore[attr-defined]


def make_table_row(
    set_name: str, unit: str, runs: Sequence[tuple[IndexProgress, float, Mapping[str, float]]]
) -> dict[str, Cell]:
    """A row: how much there is, how much of it a second, and where the time goes."""
    progress, total, stages = runs[0]
    amount = {"images": progress.images, "video s": progress.video_seconds, "sound s": progress.audio_seconds}
    rates = [amount[unit] / seconds for _, seconds, _ in runs]
    waited = total - sum(stages.values())
    shares = {stage: stages.get(stage, 0) for stage in STAGES} | {OTHER_STAGE: waited}
    return {
        "what": set_name, "files": progress.indexed, "failed": len(progress.failed), "amount": amount[unit],
        "unit": unit, "a second": Estimate(float(np.median(rates)), min(rates), max(rates)),
        **{f"% {stage}": 100 * seconds / total for stage, seconds in shares.items()},
    }  # fmt: skip

"""Media indexed per second into a new library, from decoding to the commit on disk."""

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

from encoders import AffectError, Encoder, Rows
from encoders.media import DEFAULT_SEGMENT_SECONDS
from experiments.datasets import DATA_ROOT
from experiments.statistics.report import BenchmarkReport, Cell, json_option, print_report
from retrieval.evaluation import Estimate
from retrieval.features import FeaturePipeline, PipelineConfig
from retrieval.indexing import Indexer, IndexProgress
from retrieval.storage import EncodedFile, Library
from retrieval.storage.catalog import Catalog

MEDIA_SETS = {
    "photos": ("images", "flickr1k/images"),
    "clips": ("video s", "av_clips/videos"),
    "short sounds": ("sound s", "animal_sounds/audio"),
    "music": ("sound s", "wesnoth_music"),
}
STAGES = ("objects", "activity", "pose", "faces", "sound", "events", "tone", "project, commit")
SHARED_METHODS = ("extract_features", "encode_features")  # of encoders that share a network
MEDIA_SUFFIXES = {".jpg", ".png", ".mp4", ".mkv", ".webm", ".ogg", ".wav"}
WARMUP_FILES = 3  # files of each kind indexed beforehand, so that networks are exported and loaded
OTHER_STAGE = "waiting for decoders, other"


class StageTimer:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds_by_stage: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def time_stage(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds_by_stage[stage] += time.perf_counter() - start


class TimedEncoder:
    """An encoder whose `encode` and SHARED_METHODS are timed; other attributes are the encoder's own."""

    def __init__(self, encoder: Encoder, timer: StageTimer, stage: str) -> None:
        self._encoder, self._timer, self._stage = encoder, timer, stage

    def __getattr__(self, name: str) -> Any:
        """Any other attribute of the encoder; SHARED_METHODS are timed."""
        attribute = getattr(self._encoder, name)
        return self._wrap_with_timer(attribute) if name in SHARED_METHODS else attribute

    def _wrap_with_timer(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call_timed(*arguments: Any) -> Any:
            with self._timer.time_stage(self._stage):
                return function(*arguments)

        return call_timed

    def encode(self, items: Sequence[Any]) -> Rows:
        """Encode items, timed."""
        with self._timer.time_stage(self._stage):
            return self._encoder.encode(items)


class TimedPipeline(FeaturePipeline):
    """A pipeline whose encoders are timed."""

    def __init__(self, config: PipelineConfig, timer: StageTimer) -> None:
        super().__init__(config)
        self._timer = timer

    def get_encoder(self, role: str) -> Encoder:
        """The encoder of a role, timed."""
        timed: Any = TimedEncoder(super().get_encoder(role), self._timer, role)
        return timed


class TimedLibrary(Library):
    """A library whose encoders and commits are timed on `timer`."""

    def __init__(self, folder: Path, catalog: Catalog) -> None:
        super().__init__(folder, catalog)
        self.timer = StageTimer()
        self.pipeline = TimedPipeline(self.config, self.timer)

    def commit(self, batch: Sequence[EncodedFile]) -> None:
        """Project into spaces and commit, timed."""
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
    """Media files below a folder of the data sets, sorted. Raises AffectError if there are none."""
    paths = [
        file for file in sorted((data_root / folder).rglob("*")) if file.suffix.lower() in MEDIA_SUFFIXES
    ]
    if not paths:
        raise AffectError(f"{data_root / folder}: no media; name the folder of the data sets with --data")
    return paths


def index_once(paths: Sequence[Path], jobs: int) -> tuple[IndexProgress, float, Mapping[str, float]]:
    """Index into a temporary library: counts, seconds, and seconds by stage."""
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
        library = TimedLibrary.create(Path(folder) / "library", PipelineConfig(), DEFAULT_SEGMENT_SECONDS)
        with closing(library), library.lock_for_writing():
            start = time.perf_counter()
            progress = Indexer(library, lambda _: None).run(paths, jobs)
            seconds = time.perf_counter() - start
    return progress, seconds, library.timer.seconds_by_stage  # type: ignore[attr-defined]


def make_table_row(
    set_name: str, unit: str, runs: Sequence[tuple[IndexProgress, float, Mapping[str, float]]]
) -> dict[str, Cell]:
    """A row: the amount of media, the rate over rounds, and the shares of stages in the first round."""
    progress, total_seconds, seconds_by_stage = runs[0]
    amount = {"images": progress.images, "video s": progress.video_seconds, "sound s": progress.audio_seconds}
    rates = [amount[unit] / seconds for _, seconds, _ in runs]
    stage_seconds = {stage: seconds_by_stage.get(stage, 0) for stage in STAGES}
    stage_seconds[OTHER_STAGE] = total_seconds - sum(seconds_by_stage.values())
    return {
        "what": set_name, "files": progress.indexed, "failed": len(progress.failed), "amount": amount[unit],
        "unit": unit, "a second": Estimate(float(np.median(rates)), min(rates), max(rates)),
        **{f"% {stage}": 100 * seconds / total_seconds for stage, seconds in stage_seconds.items()},
    }  # fmt: skip

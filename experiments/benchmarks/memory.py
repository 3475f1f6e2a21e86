"""Peak memory of indexing one long video, all processes together."""

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

from encoders import AffectError
from experiments.benchmarks.process_memory import PeakMemory, run_and_measure_memory
from experiments.statistics.report import (
    BenchmarkReport,
    Requirement,
    add_seed_option,
    json_option,
    print_report,
)
from retrieval.samples.media_writer import Waveform, write_video

MAX_PEAK_GIB = 2.0  # of all processes
GIB = 2**30
WIDTH, HEIGHT, FPS, SAMPLE_RATE_HZ = 320, 180, 5, 16000
CAMERA_PAN_PX = 256  # pixels of the pan of the camera, which repeats


@click.command("memory", short_help="Peak memory of indexing a long video.")
@click.option("--hours", type=click.FloatRange(0, min_open=True), default=2.0, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True)
@add_seed_option
@json_option
def command(hours: float, jobs: int, seed: int, as_json: bool) -> None:
    """Write a video with sound, index it by `python -m retrieval index`, and watch all its processes."""
    seconds = max(round(hours * 3600), 1)
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as name:
        video_path = write_test_video(Path(name) / "film.mkv", seconds, seed)
        size = video_path.stat().st_size
        peak = index_video(video_path, Path(name), jobs)
    print_report(make_report(peak, seconds, size, jobs, seed), as_json=as_json)


def index_video(video_path: Path, folder: Path, jobs: int) -> PeakMemory:
    """Index a video into a new library. Raises AffectError where that fails."""
    command = [
        sys.executable,
        "-m",
        "retrieval",
        "index",
        str(video_path),
        "--library",
        str(folder / "library"),
    ]
    peak = run_and_measure_memory([*command, "--jobs", str(jobs), "--json"], folder / "log")
    summary = json.loads(peak.output.splitlines()[-1]) if peak.exit_code == 0 else {}
    if summary.get("indexed") != 1:
        raise AffectError(f"indexing failed: {peak.output.strip()[-400:]}")
    return peak


def make_report(
    peak: PeakMemory, video_seconds: int, file_bytes: int, jobs: int, seed: int
) -> BenchmarkReport:
    """The peaks in GiB."""
    bytes_by_measure = {
        "all processes (PSS)": peak.peak_pss,
        "all processes (RSS)": peak.peak_rss,
        "decoder processes (RSS)": peak.peak_worker_rss,
        "largest process (ru_maxrss)": peak.max_process_rss,
    }
    return BenchmarkReport(
        benchmark="memory",
        settings={
            "hours": video_seconds / 3600,
            "pixels": f"{WIDTH}x{HEIGHT}",
            "fps": FPS,
            "sound Hz": SAMPLE_RATE_HZ,
            "file MiB": round(file_bytes / 2**20, 1),
            "jobs": jobs,
            "seed": seed,
        },
        rows=[{"held by": name, "peak GiB": held / GIB} for name, held in bytes_by_measure.items()],
        requirements=[
            Requirement(
                "peak of all processes, GiB (PSS)", peak.peak_pss / GIB, MAX_PEAK_GIB, is_minimum=False
            )
        ],
        notes=[
            "PSS: a page that k processes share counts as a k-th in each; RSS: in full in each",
            f"{peak.sample_count} looks in {peak.elapsed_seconds:.1f} s, "
            f"{video_seconds / peak.elapsed_seconds:.1f} times real time",
        ],
    )


def write_test_video(path: Path, video_seconds: int, seed: int) -> Path:
    """Write a pan over blots of colour with a rising tone, H.264 and AAC in Matroska."""
    write_video(
        path,
        generate_frames(video_seconds, seed),
        FPS,
        generate_audio(video_seconds),
        SAMPLE_RATE_HZ,
        {"preset": "ultrafast"},
    )
    return path


def generate_frames(video_seconds: int, seed: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Frames (180, 320, 3) of a pan over a wide random image, a new image every minute."""
    import cv2

    rng = np.random.default_rng(seed)
    for start, end in pairwise([*range(0, video_seconds, 60), video_seconds]):
        blots = rng.integers(0, 256, (6, 18, 3), np.uint8)
        wide = cv2.resize(blots, (WIDTH + CAMERA_PAN_PX, HEIGHT), interpolation=cv2.INTER_CUBIC)
        for frame in range((end - start) * FPS):
            left = frame % CAMERA_PAN_PX
            yield np.ascontiguousarray(wide[:, left : left + WIDTH], np.uint8)


def generate_audio(audio_seconds: int) -> Iterator[Waveform]:
    """Blocks (16000,) of one second each."""
    times = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for second in range(audio_seconds):
        yield 0.25 * np.sin(2 * np.pi * (200 + 10 * (second % 60)) * times)

"""The command `bench clipvip`: time and memory of CLIP-ViP's attention, dense mask against proxy-guided."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError
from experiments.statistics.report import BenchmarkReport, Cell, add_seed_option, json_option, print_report

if TYPE_CHECKING:
    from experiments.benchmarks.clipvip_attention import AttentionWorkload

GIB = 2**30
PROXIES = 4


@click.command("clipvip", short_help="CLIP-ViP's attention: a dense mask against proxy-guided.")
@click.option("--videos", type=click.IntRange(2), default=2, show_default=True, help="Of a batch.")
@click.option("--frames", type=click.IntRange(1), default=12, show_default=True)
@click.option("--rounds", type=click.IntRange(2), default=5, show_default=True)
@click.option("--memory-of", "way", hidden=True, help="Run one step by this way and end.")
@add_seed_option
@json_option
def command(videos: int, frames: int, rounds: int, seed: int, way: str | None, as_json: bool) -> None:
    """Train on and encode random videos by a random model of CLIP B/32's size.

    The ways give the same rows; they are timed in turns. Memory is the peak of a process of its own for one
    step of training, and what autograd keeps for the backward pass.
    """
    from transformers import CLIPConfig

    from experiments.benchmarks.clipvip_attention import WAYS, make_workload, measure_saved_bytes

    if way is not None:
        workload = make_workload(CLIPConfig(), videos=videos, frames=frames, seed=seed)
        workload.select_way(way)
        click.echo(measure_saved_bytes(workload.train))
        return
    arguments = ["--videos", str(videos), "--frames", str(frames), "--seed", str(seed)]
    memory = {name: measure_memory([*arguments, "--memory-of", name]) for name in WAYS}
    workload = make_workload(CLIPConfig(), videos=videos, frames=frames, seed=seed)
    settings = {"videos": videos, "frames": frames, "rounds": rounds, "seed": seed, "model": "B/32, random"}
    print_report(make_report(workload, memory, settings), as_json=as_json)


def measure_memory(arguments: list[str]) -> tuple[int, int]:
    """(bytes kept for the backward pass, peak resident bytes) of a process that runs one step.

    Raises AffectError where it fails.
    """
    from experiments.benchmarks.process_memory import run_and_measure_memory

    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
        peak = run_and_measure_memory(
            [sys.executable, "-m", "experiments.bench", "clipvip", *arguments], Path(folder) / "log"
        )
    if peak.exit_code:
        raise AffectError(f"a step failed: {peak.output.strip()[-400:]}")
    return int(peak.output.split()[-1]), peak.max_process_rss


def make_report(
    workload: AttentionWorkload, memory: Mapping[str, tuple[int, int]], settings: Mapping[str, Any]
) -> BenchmarkReport:
    """The rows of `measure_ways` with settings and notes."""
    from experiments.benchmarks.clipvip_attention import count_scores

    rows = measure_ways(workload, memory, rounds=settings["rounds"], seed=settings["seed"])
    vision: Any = workload.model.clip_vip.video.vision_model.config
    scores = count_scores(PROXIES, settings["frames"], (vision.image_size // vision.patch_size) ** 2)
    fewer = scores["dense"] / scores["proxy-guided"]
    return BenchmarkReport(
        benchmark="clipvip",
        settings=settings,
        rows=rows,
        notes=[
            f"scores of a head: {scores['dense']} dense, {scores['proxy-guided']} proxy-guided, "
            f"{fewer:.1f} times fewer",
            "a fused kernel stores no scores; the peak is of the whole process with weights and optimiser",
        ],
    )


def measure_ways(
    workload: AttentionWorkload, memory: Mapping[str, tuple[int, int]], *, rounds: int, seed: int
) -> list[dict[str, Cell]]:
    """A row of each way: seconds, their ratio to the first way's, and memory as `measure_memory` gives it."""
    from experiments.benchmarks.clipvip_attention import WAYS
    from experiments.benchmarks.timing import estimate_speedup, summarise_seconds, time_in_turns

    def encode(way: str, number: int = 0) -> None:
        workload.select_way(way)
        workload.encode()

    def train(way: str, number: int = 0) -> None:
        workload.select_way(way)
        workload.train()

    forward = time_in_turns({way: partial(encode, way) for way in WAYS}, rounds)
    step = time_in_turns({way: partial(train, way) for way in WAYS}, rounds)
    first = next(iter(WAYS))
    return [
        {
            "attention": way,
            "forward s": summarise_seconds(forward[way]),
            "forward, times as fast": estimate_speedup(forward[first], forward[way], seed=seed),
            "step s": summarise_seconds(step[way]),
            "step, times as fast": estimate_speedup(step[first], step[way], seed=seed),
            "kept for backward GiB": memory[way][0] / GIB,
            "peak of a step GiB": memory[way][1] / GIB,
        }
        for way in WAYS
    ]

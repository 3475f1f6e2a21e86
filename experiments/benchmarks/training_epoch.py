"""The command `bench epoch`: training of JEMC's heads, against the loop of the paper's code."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from experiments.statistics.report import add_seed_option, json_option, print_report


@click.command("epoch", short_help="Training: an epoch of JEMC against the paper's code.")
@click.option("--videos", type=click.IntRange(2), default=1000, show_default=True)
@click.option("--batches", type=click.IntRange(1), default=8, show_default=True, help="Of a round.")
@click.option("--batch", type=click.IntRange(2), default=128, show_default=True)
@click.option("--dim", type=click.IntRange(1), default=1024, show_default=True)
@click.option("--workers", type=click.IntRange(0), default=0, show_default=True, help="Readers, plain way.")
@click.option("--rounds", type=click.IntRange(2), default=5, show_default=True)
@add_seed_option
@json_option
def command(
    videos: int, batches: int, batch: int, dim: int, workers: int, rounds: int, seed: int, as_json: bool
) -> None:
    """Train on shares of an epoch: weighted hardest negatives, GRU over words, 2048 features of a video.

    Both ways get the same captions every round, in an order of their own.
    """
    from experiments.benchmarks.jemc_comparison import TrainingBenchmark, run_benchmark
    from experiments.benchmarks.jemc_corpus import write_corpus

    settings = TrainingBenchmark(
        batch_count=batches, batch_size=batch, dim=dim, worker_count=workers, rounds=rounds, seed=seed
    )
    with tempfile.TemporaryDirectory(prefix="affect-bench-") as folder:
        corpus = write_corpus(Path(folder), videos, seed)
        print_report(run_benchmark(corpus, settings), as_json=as_json)

"""`python -m experiments.synthetic --out DIR`: render the synthetic set."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import click

from encoders import to_printable
from experiments.experiment_command import ExperimentCommand
from experiments.synthetic.render import DEFAULT_JOBS, render_dataset


@click.command("synthetic", cls=ExperimentCommand)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--clips", "count", type=click.IntRange(1), default=400, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=DEFAULT_JOBS, show_default=True)
def main(out: Path, count: int, seed: int, jobs: int) -> None:
    """Render clips of moving shapes with music, their captions and their truth. Goes on where it stopped."""
    start = time.perf_counter()
    dataset = render_dataset(out, count, seed, jobs=jobs)
    counts = Counter(item.split for item in dataset.items)
    splits = ", ".join(f"{counts[split]} {split}" for split in ("train", "dev", "test"))
    click.echo(f"{to_printable(out)}: {splits} in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()

"""`python -m experiments.synthetic --out DIR`: render the synthetic set."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import click

from encoders.base import AffectError, to_printable
from experiments.synthetic.render import DEFAULT_JOBS, render_dataset


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--clips", "count", type=click.IntRange(1), default=400, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=DEFAULT_JOBS, show_default=True)
def main(out: Path, count: int, seed: int, jobs: int) -> None:
    """Render clips of moving shapes with music, their captions and their truth. Goes on where it stopped."""
    begun = time.perf_counter()
    try:
        data = render_dataset(out, count, seed, jobs=jobs)
    except AffectError as bad:
        raise click.ClickException(str(bad)) from bad
    parts = Counter(item.split for item in data.items)
    told = ", ".join(f"{parts[split]} {split}" for split in ("train", "dev", "test"))
    click.echo(f"{to_printable(out)}: {told} in {time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()

"""`python -m experiments.ablate`: JEMC's ablations on the synthetic set, a known set, or one's own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from encoders.base import AffectError, printable
from experiments.datasets.records import DATA


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--data",
    default="synthetic",
    show_default=True,
    help="A set by name, a CSV file, or a folder with captions.csv.",
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    default=DATA,
    show_default=True,
    help="Folder of the known sets.",
)
@click.option(
    "--features",
    metavar="ROLE=PATH,...",
    help="Feature files by role in place of media, or a folder in the layout of JEMC's code.",
)
@click.option("--rows", default="", metavar="1.1,1.5", help="Only rows whose names begin so.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting, such as loss.margin=0.1; an unknown name lists them all. Can be repeated.",
)
@click.option(
    "--word-vectors",
    type=click.Path(path_type=Path),
    help="A text file with a word and its numbers a line, for the GRU to begin with.",
)
@click.option("--encoders", default="", metavar="ROLE=NAME,...", help="Other experts than the default.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Trainings side by side.")
@click.option("--out", type=click.Path(path_type=Path), help="By default runs/ablate/ and the set's name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def main(ctx: click.Context, as_json: bool, **options: Any) -> None:
    """Train the spaces of every row of JEMC's Table 1, and of some rows more, and compare them.

    Writes table.md, table.csv, results.json and pictures into the folder --out. Spaces that are trained are
    kept there and not trained again; an interrupted run goes on where it was.
    """
    try:
        ablate(as_json=as_json, **options)
    except AffectError as bad:
        click.echo(f"ablate: {bad}", err=True)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo("ablate: interrupted; run it again to go on", err=True)
        ctx.exit(130)


def ablate(
    *, data: str, data_root: Path, features: str | None, rows: str, seeds: int, pairs: tuple[str, ...],
    word_vectors: Path | None, encoders: str, jobs: int, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The whole of it. Raises AffectError."""
    from rich.console import Console

    from experiments.ablation import plots, tables
    from experiments.ablation.baselines import can_zero_shot
    from experiments.ablation.prepared_data import found, prepared
    from experiments.ablation.results import measured
    from experiments.ablation.runner import run
    from experiments.ablation.settings import Settings, changed, flat
    from experiments.ablation.table_rows import check_known, planned
    from experiments.ablation.trials import Trial

    settings = changed(Settings(), pairs)
    prefixes = [one.strip() for one in rows.split(",") if one.strip()]
    check_known(prefixes)
    chosen = found(data, data_root, sources(features))
    out = out or Path("runs") / "ablate" / chosen.name
    claimed(out)
    corpus, source = prepared(chosen, settings, encoders=encoders, word_vectors=word_vectors)
    plan = planned(
        corpus.present, settings.text, prefixes=prefixes, zero_shot=can_zero_shot(source.experts, corpus)
    )
    trials = [Trial(space=space, seed=seed) for seed in range(seeds) for space in plan.spaces]
    folders = run(trials, corpus, settings, out / "trials", jobs=jobs)
    result = measured(plan, range(seeds), folders, corpus, source.experts)
    told = tables.Told(
        data=chosen.name, seeds=seeds, settings=flat(settings), encoders=source.encoders,
        notes=source.notes, left_out=plan.left_out,
    )  # fmt: skip
    everything = tables.to_json(told, result)
    written = tables.write(out, told, result, everything) + plots.draw(out, chosen.name, result)
    if as_json:
        click.echo(json.dumps(everything))
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(tables.on_terminal(told, result))
    for note in tables.notes(told):
        click.echo(note)
    click.echo(f"{printable(out)}: {', '.join(file.name for file in written)}")


def sources(features: str | None) -> Mapping[str, Path] | Path | None:
    """From "objects=DIR,sound=FILE.h5", or a folder. Raises AffectError."""
    from experiments.ablation.table_rows import ROLES

    if not features:
        return None
    if "=" not in features:
        return Path(features)
    pairs = dict(part.partition("=")[::2] for part in features.split(",") if part.strip())
    if unknown := [role for role in pairs if role.strip() not in ROLES]:
        raise AffectError(f"no role {', '.join(unknown)}; roles: {', '.join(ROLES)}")
    return {role.strip(): Path(path.strip()) for role, path in pairs.items()}


def claimed(out: Path) -> None:
    """Make the folder. Raises AffectError if it can't be written in."""
    try:
        (out / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as bad:
        raise AffectError(f"{printable(out)}: {(bad.strerror or str(bad)).lower()}") from bad
    if not all(os.access(folder, os.W_OK) for folder in (out, out / "trials")):
        raise AffectError(f"{printable(out)}: may not be written in")


if __name__ == "__main__":
    main()

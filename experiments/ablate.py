"""`python -m experiments.ablate`: JEMC's ablations on the synthetic set, a named set, or a user's set."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError, describe_os_error, to_printable
from experiments.datasets.data_root import DATA_ROOT
from experiments.statistics.provenance import ARGUMENTS_KEY, RecordedCommand

if TYPE_CHECKING:  # imported late, so that --help is fast
    from experiments.ablation.notes import RunMetadata
    from experiments.ablation.results import AblationResults


@click.command(
    cls=RecordedCommand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--data",
    default="synthetic",
    show_default=True,
    help="A set by name, a CSV file, or a folder with captions.csv.",
)
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    default=DATA_ROOT,
    show_default=True,
    help="Folder of the known sets.",
)
@click.option(
    "--features",
    metavar="ROLE=PATH,...",
    help="Feature files by role in place of media, or a folder in the layout of JEMC's code.",
)
@click.option("--rows", default="", metavar="1.1,1.5", help="Only rows whose names begin so.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Trainings of each space; one says nothing of the method.",
)
@click.option(
    "--loss",
    "losses",
    multiple=True,
    metavar="MODULE:FUNCTION",
    help="A loss of your own as a row beside 1.1 weighted: called with similarities (v, t) and a mask of "
    "pairs of one item; from a module in the working directory. Can be repeated.",
)
@click.option(
    "--rules",
    default="project",
    show_default=True,
    metavar="NAME",
    help="Rules for ties, medians and galleries of a published evaluator: jemc, ce, mmt, clip4clip, ...; "
    "single ones by --set rules.ties=average. results.json has the metrics under all.",
)
@click.option(
    "--set",
    "assignments",
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
@click.option(
    "--audio",
    "audio_encoders",
    multiple=True,
    metavar="NAME",
    help="A further encoder of sound, such as soundnet (JEMC's own audio expert) or yamnet: rows of its own "
    "beside those of the data's audio. Can be repeated.",
)
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
        run_ablation(ctx.meta[ARGUMENTS_KEY], as_json=as_json, **options)
    except AffectError as error:
        click.echo(f"ablate: {error}", err=True)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo("ablate: interrupted; run it again to go on", err=True)
        ctx.exit(130)


def run_ablation(arguments: Sequence[str], *, as_json: bool, **options: Any) -> None:
    """Run the ablation of a command line and report it. Raises AffectError."""
    from experiments.ablation.study import AblationOptions, run_study

    metadata, results, out = run_study(AblationOptions(**options), arguments)
    report_results(metadata, results, out, as_json=as_json)


def report_results(metadata: RunMetadata, results: AblationResults, out: Path, *, as_json: bool) -> None:
    """Write the tables and the plots into a folder; print the table, or the results as JSON."""
    from rich.console import Console

    from experiments.ablation import notes, plots, tables

    report = tables.to_json(metadata, results)
    written = tables.write_results(out, metadata, results, report)
    written += plots.save_plots(out, metadata.data, results)
    if as_json:
        click.echo(json.dumps(report))
        return
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(tables.make_terminal_table(metadata, results))
    for note in notes.list_notes(metadata):
        click.echo(note)
    click.echo(f"{to_printable(out)}: {', '.join(file.name for file in written)}")


def create_out_folder(out_folder: Path) -> None:
    """Create the folder and its trials/. Raises AffectError if it can't be written in."""
    try:
        (out_folder / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = describe_os_error(error)
        raise AffectError(f"{to_printable(out_folder)}: {reason}") from error
    if not all(os.access(folder, os.W_OK) for folder in (out_folder, out_folder / "trials")):
        raise AffectError(f"{to_printable(out_folder)}: may not be written in")


if __name__ == "__main__":
    main()

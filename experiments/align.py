"""`python -m experiments.align`: can the affect spaces of two modalities be aligned, with statistics."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError, to_printable
from experiments.ablate import create_out_folder
from experiments.datasets.data_root import DATA_ROOT
from experiments.statistics.provenance import ARGUMENTS_KEY, RecordedCommand, describe_provenance
from experiments.statistics.report import add_seed_option

if TYPE_CHECKING:  # imported late, so that --help is fast
    from experiments.alignment.csv_columns import ColumnChoice
    from experiments.alignment.generalised_procrustes import GpaResult
    from experiments.alignment.pairs import MultimodalReadings
    from experiments.alignment.segment_lengths import VideoStudy
    from experiments.alignment.set_loaders import Loaders
    from experiments.alignment.study_results import StudyResults
    from retrieval.evaluation.permutation_tests import ExchangeRule

SIGNIFICANCE_LEVEL = 0.05  # that the least possible p must reach after Holm's correction
ABLATED_SET = "synthetic-non-linear"  # the set on which the loss of the learned mapping is ablated


@click.command(
    cls=RecordedCommand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--sets",
    default="",
    metavar="NAME,...",
    help="Sets by name, or `synthetic` or `real` for all of a kind; an unknown name lists them. By default "
    "the synthetic ones and what is found under --data-root, or nothing beside --pairs and --videos.",
)
@click.option(
    "--pairs",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A CSV file with two or more blocks of columns by prefix (a.valence, a.arousal, b.valence, ...), "
    "and group, emotion and control (rows mismatched on purpose: yes), if there are any. Can be repeated.",
)
@click.option(
    "--a",
    "source_columns",
    default="",
    metavar="COLUMN,...",
    help="Columns of --pairs that are the one modality, where names have no prefix; with --b.",
)
@click.option(
    "--b", "target_columns", default="", metavar="COLUMN,...", help="Columns of the other modality."
)
@click.option(
    "--group",
    "group_column",
    default="",
    metavar="COLUMN",
    help="Column of --pairs whose equal values belong together: a film, an actor.  [default: group]",
)
@click.option(
    "--exchange",
    type=click.Choice(["rows", "within", "groups"]),
    help="What shuffles of --pairs exchange: any rows, rows of one group, or whole groups in their order.  "
    "[default: groups where the file has any, else rows]",
)
@click.option(
    "--videos",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder of videos with sound: the affect of pictures, sound and faces, segment by segment.",
)
@click.option(
    "--lengths", default="2,5,10,15", show_default=True, help="Of the segments of --videos, in seconds."
)
@click.option("--maps", default="", metavar="NAME,...", help="Only these maps, and identity.")
@click.option(
    "--data-root",
    type=click.Path(path_type=Path),
    default=DATA_ROOT,
    show_default=True,
    help="Folder of the real sets.",
)
@click.option(
    "--draws",
    type=click.IntRange(19),
    default=999,
    show_default=True,
    help="Of permutation tests: at least 20 for each map that is fitted, 260 for all 13.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/align"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@add_seed_option
@click.pass_context
def main(ctx: click.Context, as_json: bool, **options: Any) -> None:
    """Fit every map between two senses' readings and report what it does with pairs it has not seen.

    Writes report.md, maps.csv, results.json and pictures into the folder --out. What each map did on each set
    is kept there, what was read of a video in the cache folder, and not done again; an interrupted run goes
    on where it was.
    """
    try:
        run_alignment_study(as_json=as_json, arguments=ctx.meta[ARGUMENTS_KEY], **options)
    except AffectError as error:
        click.echo(f"align: {error}", err=True)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo("align: interrupted; run it again to go on", err=True)
        ctx.exit(130)


def run_alignment_study(
    *, sets: str, files: tuple[Path, ...], source_columns: str, target_columns: str, group_column: str,
    exchange: ExchangeRule | None, videos: Path | None, lengths: str, maps: str, data_root: Path, draws: int,
    out: Path, as_json: bool, seed: int, arguments: Sequence[str],
) -> None:  # fmt: skip
    """Load the sets, study them, write the report with the command's arguments and print it.

    Raises AffectError.
    """
    from experiments.alignment.runner import run_study
    from experiments.alignment.segment_lengths import parse_segment_lengths
    from experiments.alignment.set_loaders import make_loaders
    from experiments.alignment.study_config import StudyConfig, list_methods, select_methods
    from experiments.alignment.study_files import check_same_data
    from experiments.alignment.study_results import StudyResults

    methods = select_methods(_split_names(maps), list_methods())
    check_draws(draws, len(methods))
    segment_lengths = parse_segment_lengths(lengths)
    choice = parse_column_choice(source_columns, target_columns, group_column, has_files=bool(files))
    loaders, gpa_readings = ({}, []) if videos and not (sets or files) else make_loaders(
        _split_names(sets), files, data_root, seed, exchange=exchange, choice=choice
    )  # fmt: skip
    create_out_folder(out)
    video_study = None if videos is None else load_video_study(videos, segment_lengths, loaders, seed=seed)
    video_readings, gpa_left_out = ([], {}) if video_study is None else video_study.select_gpa_readings()
    check_same_data(out, loaders, None if video_study is None else video_study.folder.name)
    config = StudyConfig(seed=seed, draws=draws)
    ablated_set = ABLATED_SET if ABLATED_SET in loaders and not maps else ""
    results, variants, left_out = run_study(loaders, methods, config, out / "trials", ablated_set=ablated_set)
    if not results and video_study is None:
        raise AffectError("; ".join(left_out.values()))
    study = StudyResults(
        results=results, variants=variants, left_out=left_out | gpa_left_out, config=config,
        video_study=video_study, gpa_results=run_gpa([*gpa_readings, *video_readings], seed),
        provenance=describe_provenance("experiments.align", arguments),
    )  # fmt: skip
    report_study(study, out, as_json=as_json)


def parse_column_choice(source: str, target: str, group: str, *, has_files: bool) -> ColumnChoice:
    """The columns named for --pairs. Raises AffectError without a file, or for one side alone."""
    from experiments.alignment.csv_columns import ColumnChoice

    choice = ColumnChoice(source=_split_names(source), target=_split_names(target), group=group.strip())
    if choice != ColumnChoice() and not has_files:
        raise AffectError("--a, --b and --group name columns of --pairs; give a file")
    return choice


def check_draws(draws: int, map_count: int) -> None:
    """Raises AffectError for draws so few that no p can be significant after Holm's correction."""
    least = math.ceil(map_count / SIGNIFICANCE_LEVEL)
    if draws < least:
        raise AffectError(f"{draws} shuffles are too few for {map_count} maps; {least} at least")


def run_gpa(readings_of_sets: Sequence[MultimodalReadings], seed: int) -> list[GpaResult]:
    """Generalised Procrustes analysis of the sets that allow one."""
    from experiments.alignment.generalised_procrustes import run_generalised_procrustes

    results = (run_generalised_procrustes(readings, seed=seed) for readings in readings_of_sets)
    return [result for result in results if result is not None]


def report_study(study: StudyResults, out: Path, *, as_json: bool) -> None:
    """Write the report and the plots into a folder; print the summary, or the results as JSON."""
    from experiments.alignment import plots
    from experiments.alignment.results_json import make_report_json
    from experiments.alignment.study_files import write_report
    from experiments.alignment.summary_table import format_terminal

    written = write_report(out, study)
    if study.results:
        written += plots.save_plots(out, study.results)
    if as_json:
        click.echo(json.dumps(make_report_json(study)))
        return
    click.echo("\n".join(format_terminal(study)))
    click.echo(f"{to_printable(out)}: {', '.join(file.name for file in written)}")


def load_video_study(
    video_folder: Path, segment_lengths: tuple[float, ...], loaders: Loaders, *, seed: int
) -> VideoStudy:
    """A folder's videos as anchors, whose sets are added to the loaders.

    Prints a line on stderr for each unreadable file. Raises AffectError.
    """
    from experiments.alignment.segment_lengths import check_enough_videos, make_video_study
    from experiments.alignment.set_loaders import add_loaders
    from experiments.alignment.video_affect import load_affect_pipeline, read_video_affect

    def print_warning(line: str) -> None:
        click.echo(f"align: {line}", err=True)

    videos = read_video_affect(
        video_folder, segment_lengths, pipeline=load_affect_pipeline(), on_unreadable=print_warning
    )
    video_study = make_video_study(videos, segment_lengths, seed=seed)
    add_loaders(loaders, list(video_study.make_pairs().values()), check_enough_videos)
    return video_study


def _split_names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


if __name__ == "__main__":
    main()

"""`python -m experiments.align`: can the emotion spaces of two senses be aligned, and how sure is that."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from encoders.base import AffectError, to_printable
from experiments.ablate import create_out_folder
from experiments.datasets.data_root import DATA_ROOT
from experiments.statistics.report import add_seed_option

SIGNIFICANCE_LEVEL = 0.05  # p after Holm's correction that must be within reach
ABLATED_SET = "synthetic-non-linear"  # the set on which the learned mapping is taken apart


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    "and group and emotion, if there are any. Can be repeated.",
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
    "--draws", type=click.IntRange(19), default=999, show_default=True, help="Of permutation tests."
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
        run_alignment_study(as_json=as_json, **options)
    except AffectError as bad:
        click.echo(f"align: {bad}", err=True)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo("align: interrupted; run it again to go on", err=True)
        ctx.exit(130)


def run_alignment_study(
    *, sets: str, files: tuple[Path, ...], exchange: Any, videos: Path | None, lengths: str, maps: str,
    data_root: Path, draws: int, out: Path, as_json: bool, seed: int,
) -> None:  # fmt: skip
    """The whole of it. Raises AffectError."""
    from experiments.alignment import plots, tables
    from experiments.alignment.generalised_procrustes import run_generalised_procrustes
    from experiments.alignment.runner import run_study, select_methods
    from experiments.alignment.segment_lengths import check_enough_videos, parse_segment_lengths
    from experiments.alignment.study import StudyConfig, list_methods

    if seed < 0:
        raise AffectError(f"--seed {seed}: a seed is 0 or more")
    methods = select_methods(_split_names(maps), list_methods())
    least = math.ceil(len(methods) / SIGNIFICANCE_LEVEL)
    if draws < least:
        raise AffectError(f"{draws} shuffles are too few for {len(methods)} maps; {least} at least")
    seconds = parse_segment_lengths(lengths)
    load: dict[str, Callable[[], Any]] = {}
    several: list[Any] = []
    if videos is None or sets or files:
        load, several = make_loaders(_split_names(sets), files, exchange, data_root, seed)
    plan = StudyConfig(seed=seed, draws=draws)
    create_out_folder(out)
    films, alone = None, {}
    if videos is not None:
        films = load_video_study(videos, seconds, seed=seed)
        load |= {name: partial(check_enough_videos, pairs) for name, pairs in films.make_pairs().items()}
        three, alone = films.select_gpa_readings()
        several += three
    apart = ABLATED_SET if ABLATED_SET in load and not maps else ""
    found, parts, left_out = run_study(load, methods, plan, out / "trials", ablated_set=apart)
    left_out |= alone
    if not found and films is None:
        raise AffectError("; ".join(left_out.values()))
    together = [
        one for blocks in several if (one := run_generalised_procrustes(blocks, seed=seed)) is not None
    ]
    told = tables.StudyResults(
        results=found, variants=parts, left_out=left_out, config=plan, gpa_results=together, video_study=films
    )
    written = tables.write_report(out, told) + (plots.save_plots(out, found) if found else [])
    if as_json:
        click.echo(json.dumps(tables.make_report_json(told)))
        return
    click.echo("\n".join(tables.format_terminal(told)))
    click.echo(f"{to_printable(out)}: {', '.join(file.name for file in written)}")


def load_video_study(video_folder: Path, segment_lengths: tuple[float, ...], *, seed: int) -> Any:
    """A folder's videos as anchors; a line on stderr for each file that can't be read. Raises AffectError."""
    from experiments.alignment.segment_lengths import make_video_study
    from experiments.alignment.video_affect import load_affect_pipeline, read_video_affect

    def print_warning(line: str) -> None:
        click.echo(f"align: {line}", err=True)

    return make_video_study(
        read_video_affect(
            video_folder, segment_lengths, pipeline=load_affect_pipeline(), on_unreadable=print_warning
        ),
        segment_lengths,
        seed=seed,
    )


def make_loaders(
    set_names: list[str], paths: tuple[Path, ...], exchange: Any, data_root: Path, seed: int
) -> tuple[dict[str, Callable[[], Any]], list[Any]]:
    """How every set is had, by name, and what was read of files, all senses of each together.

    Raises AffectError for an unknown set or a file that can't be read.
    """
    from experiments.alignment import paired_sets
    from experiments.alignment.pairs import read_readings_csv
    from experiments.alignment.synthetic import CASES, make_synthetic_pairs

    built_in = {f"synthetic-{name}": partial(make_synthetic_pairs, name, seed=seed) for name in CASES}
    real = {
        name: partial(paired_sets.load_set, name, data_root)
        for name in paired_sets.list_available_sets(data_root)
    }
    known = {
        **built_in,
        **{name: partial(paired_sets.load_set, name, data_root) for name in paired_sets.PAIRED_SETS},
    }
    if not set_names and not paths:
        set_names = [*built_in, *real]
    wanted: list[str] = []
    for name in set_names:
        wanted += {"synthetic": list(built_in), "real": list(real)}.get(name, [name])
    if unknown := [name for name in wanted if name not in known]:
        raise AffectError(f"no set {', '.join(unknown)}; sets: synthetic, real, {', '.join(known)}")
    several: list[Any] = []
    load: dict[str, Callable[[], Any]] = {name: known[name] for name in dict.fromkeys(wanted)}
    for file in paths:
        blocks = read_readings_csv(file, exchange=exchange)
        several.append(blocks)
        for one in blocks.make_pairs():
            load[one.name] = partial(_return_value, one)
    if not load:
        raise AffectError(f"no sets under {to_printable(data_root)}")
    return load, several


def _return_value(value: Any) -> Any:
    return value


def _split_names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    main()

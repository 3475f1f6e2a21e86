"""`python -m experiments.align`: can the emotion spaces of two senses be aligned, and how sure is that."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from encoders.base import AffectError, printable
from experiments.ablate import claimed
from experiments.datasets.records import DATA
from experiments.statistics.report import seed_option

SURE = 0.05  # p after Holm's correction that must be within reach
APART = "synthetic-non-linear"  # the set on which the learned mapping is taken apart


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
    default=DATA,
    show_default=True,
    help="Folder of the real sets.",
)
@click.option(
    "--draws", type=click.IntRange(19), default=999, show_default=True, help="Of permutation tests."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/align"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@seed_option
@click.pass_context
def main(ctx: click.Context, as_json: bool, **options: Any) -> None:
    """Fit every map between two senses' readings and report what it does with pairs it has not seen.

    Writes report.md, maps.csv, results.json and pictures into the folder --out. What each map did on each set
    is kept there, what was read of a video in the cache folder, and not done again; an interrupted run goes
    on where it was.
    """
    try:
        align(as_json=as_json, **options)
    except AffectError as bad:
        click.echo(f"align: {bad}", err=True)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo("align: interrupted; run it again to go on", err=True)
        ctx.exit(130)


def align(
    *, sets: str, files: tuple[Path, ...], exchange: Any, videos: Path | None, lengths: str, maps: str,
    data_root: Path, draws: int, out: Path, as_json: bool, seed: int,
) -> None:  # fmt: skip
    """The whole of it. Raises AffectError."""
    from experiments.alignment import plots, tables
    from experiments.alignment.generalised_procrustes import superimposed
    from experiments.alignment.runner import run, selected
    from experiments.alignment.segment_lengths import enough, read_lengths
    from experiments.alignment.study import Plan, every_method

    if seed < 0:
        raise AffectError(f"--seed {seed}: a seed is 0 or more")
    methods = selected(_split(maps), every_method())
    least = math.ceil(len(methods) / SURE)
    if draws < least:
        raise AffectError(f"{draws} shuffles are too few for {len(methods)} maps; {least} at least")
    seconds = read_lengths(lengths)
    load: dict[str, Callable[[], Any]] = {}
    several: list[Any] = []
    if videos is None or sets or files:
        load, several = loaders(_split(sets), files, exchange, data_root, seed)
    plan = Plan(seed=seed, draws=draws)
    claimed(out)
    films, alone = None, {}
    if videos is not None:
        films = watched(videos, seconds, seed=seed)
        load |= {name: partial(enough, pairs) for name, pairs in films.pairs().items()}
        three, alone = films.three()
        several += three
    apart = APART if APART in load and not maps else ""
    found, parts, left_out = run(load, methods, plan, out / "trials", apart=apart)
    left_out |= alone
    if not found and films is None:
        raise AffectError("; ".join(left_out.values()))
    together = [one for blocks in several if (one := superimposed(blocks, seed=seed)) is not None]
    told = tables.Told(found=found, parts=parts, left_out=left_out, plan=plan, together=together, films=films)
    written = tables.write(out, told) + (plots.draw(out, found) if found else [])
    if as_json:
        click.echo(json.dumps(tables.everything(told)))
        return
    click.echo("\n".join(tables.on_terminal(told)))
    click.echo(f"{printable(out)}: {', '.join(file.name for file in written)}")


def watched(folder: Path, lengths: tuple[float, ...], *, seed: int) -> Any:
    """A folder's videos as anchors; a line on stderr for each file that can't be read. Raises AffectError."""
    from experiments.alignment.segment_lengths import films
    from experiments.alignment.video_affect import experts_of_affect, watch

    def told(line: str) -> None:
        click.echo(f"align: {line}", err=True)

    return films(watch(folder, lengths, experts=experts_of_affect(), told=told), lengths, seed=seed)


def loaders(
    names: list[str], files: tuple[Path, ...], exchange: Any, data_root: Path, seed: int
) -> tuple[dict[str, Callable[[], Any]], list[Any]]:
    """How every set is had, by name, and what was read of files, all senses of each together.

    Raises AffectError for an unknown set or a file that can't be read.
    """
    from experiments.alignment import paired_sets
    from experiments.alignment.pairs import read_pairs
    from experiments.alignment.synthetic import CASES, synthetic

    built_in = {f"synthetic-{name}": partial(synthetic, name, seed=seed) for name in CASES}
    real = {name: partial(paired_sets.named, name, data_root) for name in paired_sets.found(data_root)}
    known = {**built_in, **{name: partial(paired_sets.named, name, data_root) for name in paired_sets.SETS}}
    if not names and not files:
        names = [*built_in, *real]
    wanted: list[str] = []
    for name in names:
        wanted += {"synthetic": list(built_in), "real": list(real)}.get(name, [name])
    if unknown := [name for name in wanted if name not in known]:
        raise AffectError(f"no set {', '.join(unknown)}; sets: synthetic, real, {', '.join(known)}")
    several: list[Any] = []
    load: dict[str, Callable[[], Any]] = {name: known[name] for name in dict.fromkeys(wanted)}
    for file in files:
        blocks = read_pairs(file, exchange=exchange)
        several.append(blocks)
        for one in blocks.pairs():
            load[one.name] = partial(_same, one)
    if not load:
        raise AffectError(f"no sets under {printable(data_root)}")
    return load, several


def _same(value: Any) -> Any:
    return value


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    main()

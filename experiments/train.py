"""`python -m experiments.train`: fit the heads that come with the package, or some from your own captions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from encoders import AffectError
from experiments.datasets import DATA_ROOT
from experiments.experiment_command import ExperimentCommand
from experiments.heads.recall_rows import MetricRow
from experiments.heads.report_figure import EvaluationPart, MetricResult
from experiments.heads.space_training import (
    WEIGHTS_FOLDER,
    row_to_json,
    train_custom_space,
    train_packaged_space,
)
from experiments.heads.train_affect import HEAD_NAMES, evaluate_heads, print_results, train_head
from experiments.statistics.provenance import ARGUMENTS_KEY, RecordedCommand
from experiments.statistics.report import format_table
from spaces.joint.io import PACKAGED_HEADS


class TrainCommand(ExperimentCommand, RecordedCommand):
    """Interruptible, and keeps its arguments for the cards."""


@click.command("train", cls=TrainCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("spaces", nargs=-1, metavar="[SPACE]...")
@click.option("--data", "own", metavar="NAME|CSV", help="Your own captions instead: a set or a CSV file.")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None)
@click.option("--encoders", default="", metavar="ROLE=NAME,...", help="Other experts, with --data.")
@click.option("--report", "reported", is_flag=True, help="Fit nothing for keeps: measure all affect heads.")
@click.option(
    "--part",
    type=click.Choice(["folds", "dev", "test"]),
    help="With --report: groups held out in turn (folds, the default), or one part of each set.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def main(
    ctx: click.Context, spaces: tuple[str, ...], own: str | None, data_root: Path, out: Path | None,
    encoders: str, reported: bool, part: EvaluationPart | None, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Fit the trained heads of SPACEs (object, activity, audio; affect-image, affect-sound, affect-text,
    affect-face, affect-emotions, affect-events, affect-senses; by default the first three) and tell how good
    they are.

    Every figure is measured on items that the heads it was measured with had not seen: parts are held out in
    turn, whole groups at a time. Writes a safetensors file and a card for each space.

    With --data, learns from your own media and captions (columns media, caption and, if wanted, group and
    split, of which test is left out) and writes to --out; in spaces/weights the files are the package's. Use
    them by affect index FOLDER --library LIB --heads OUT. That is for heads that several libraries share, or
    media that are in none; affect train trains one library on captions of its own files without reading them
    again, and takes heads only where they find more.

    With --report, prints every figure of the affect heads beside its floor, its ceiling and the bar set for
    it: on groups held out in turn, on the dev parts, or on rows of a split "test" where the tables have any.
    """
    affect_heads = _select_affect_heads(spaces)
    _check_options({"--data": own, "--encoders": encoders, "--out": out, "--part": part}, reported=reported)
    if reported:
        results = _evaluate(spaces, affect_heads, data_root, seed, part or "folds", as_json)
        print_results(results, as_json=as_json)
    elif affect_heads:
        if own or len(affect_heads) < len(spaces):
            raise AffectError("affect heads are fitted by themselves, and not from captions")
        results = _train_affect_heads(affect_heads, data_root, out, seed, as_json)
        print_results(results, as_json=as_json)
    else:
        command = ("python", "-m", "experiments.train", *ctx.meta[ARGUMENTS_KEY])
        rows = _train_spaces(spaces or PACKAGED_HEADS, own, data_root, out, encoders, seed, command)
        _print_rows(rows, seed, as_json)


def _select_affect_heads(spaces: Sequence[str]) -> list[str]:
    """Those of the named spaces that are affect heads. Raises AffectError for an unknown one."""
    if unknown := [space for space in spaces if space not in {*PACKAGED_HEADS, *HEAD_NAMES}]:
        raise AffectError(
            f"no space {', '.join(unknown)}; known: {', '.join([*PACKAGED_HEADS, *HEAD_NAMES])}"
        )
    return [space for space in spaces if space in HEAD_NAMES]


def _check_options(given: Mapping[str, object], *, reported: bool) -> None:
    """Raises AffectError for options, by name with the value if given, that mean nothing beside others."""
    if reported and (names := [name for name in ("--data", "--encoders", "--out") if given[name]]):
        raise AffectError(
            f"--report fits nothing for keeps, so {' and '.join(names)} would do nothing; leave one or the "
            "other out"
        )
    if given["--part"] and not reported:
        raise AffectError("--part says what --report measures; give --report too, or leave --part out")
    if given["--encoders"] and not given["--data"]:
        raise AffectError(
            "--encoders are those of --data; the heads of the package have encoders of their own"
        )


def _evaluate(
    spaces: Sequence[str], affect_heads: Sequence[str], data_root: Path, seed: int, part: EvaluationPart,
    quiet: bool,
) -> list[MetricResult]:  # fmt: skip
    """Metrics of the named affect heads, by default of all."""
    if len(affect_heads) < len(spaces):
        raise AffectError(f"--report is of affect heads: {', '.join(HEAD_NAMES)}")
    names = [HEAD_NAMES[space] for space in affect_heads]
    return evaluate_heads(
        data_root, seed=seed, part=part, names=names, on_start=lambda name: _print_progress(name, quiet)
    )


def _print_progress(name: str, quiet: bool) -> None:
    if not quiet:
        click.echo(f"measuring {name}", err=True)


def _train_affect_heads(
    affect_heads: Sequence[str], data_root: Path, out: Path | None, seed: int, quiet: bool
) -> list[MetricResult]:
    return [
        result for name in affect_heads for result in train_head(name, data_root, out, seed=seed, quiet=quiet)
    ]


def _train_spaces(
    spaces: Sequence[str], own: str | None, data_root: Path, out: Path | None, encoders: str, seed: int,
    command: Sequence[str],
) -> list[MetricRow]:  # fmt: skip
    """Rows of metrics of all spaces, from a user's captions where they are named."""
    if own and out is None:
        raise AffectError("with --data, name the folder to write to with --out")
    folder = out or WEIGHTS_FOLDER
    return [
        row
        for space in spaces
        for row in (
            train_custom_space(space, own, data_root, folder, encoders, seed, command)
            if own
            else train_packaged_space(space, data_root, folder, seed)
        )
    ]


def _print_rows(rows: Sequence[MetricRow], seed: int, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"seed": seed, "figures": [row_to_json(row) for row in rows]}))
    else:
        click.echo("\n".join(format_table(rows)))


if __name__ == "__main__":
    main()

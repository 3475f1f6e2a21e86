"""Commands that train a library's heads on captions and align the affect of its sound with its images."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoders import AffectError, to_printable
from retrieval.cli.options import PATH_TYPE, folder_option, json_option
from retrieval.cli.session import open_for_update

if TYPE_CHECKING:
    from retrieval.storage import Library


@click.command()
@folder_option
@click.option(
    "--captions", type=PATH_TYPE, help="CSV file: media, caption (and group: what belongs together)."
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long it may take, about.")
@click.option("--undo", is_flag=True, help="Go back to the heads that come with this package.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def train(
    folder: Path, captions: Path | None, minutes: float | None, undo: bool, seed: int, as_json: bool
) -> None:
    """Teach a library your own words: train its spaces on captions of its files. No media are read.

    \b
    media,caption
    holiday/img1.jpg,grandma feeding the ducks
    holiday/img1.jpg,a pond in the park

    Paths are relative to the CSV file; rows of a split "test" are left out. Each space needs 40 items in 4
    groups, with 8 captions that differ: pictures or videos for object, videos for activity, sounds or videos
    for audio. A file is a group of its own unless the column group says what belongs together.

    What is learnt is tried on files held out, and taken only where it finds more than before in that space;
    --undo takes it back. With --minutes less is trained where the time does not suffice, and it is said what.
    The heads and their cards are in the folder "heads" of the library; another one uses them with
    affect index --heads, which also takes those that python -m experiments.train makes of media outside a
    library. Stopped by Ctrl-C it leaves the library as it was.
    """
    if (captions is None) != undo:
        raise AffectError("name the captions to learn from with --captions FILE, or --undo")
    if minutes is not None and math.isnan(minutes):
        raise AffectError("--minutes nan: give a number above 0")
    with open_for_update(folder) as library:
        if captions is None:
            _restore_heads(library, as_json=as_json)
        else:
            _train_on_captions(library, captions, minutes, seed, as_json=as_json)


def _restore_heads(library: Library, *, as_json: bool) -> None:
    from retrieval.training import restore_packaged_heads

    restore_packaged_heads(library)
    message = f"{to_printable(library.folder)}: back to the heads of the package"
    click.echo(json.dumps({"spaces": []}) if as_json else message)


def _train_on_captions(
    library: Library, captions: Path, minutes: float | None, seed: int, *, as_json: bool
) -> None:
    from retrieval.progress_reporter import ProgressReporter
    from retrieval.provenance import record_provenance
    from retrieval.report import print_training_outcomes
    from retrieval.training import install_better_heads, prepare_training_data, read_captions, train_spaces

    data = prepare_training_data(library, read_captions(captions))
    _print_messages(data.format_messages())
    with _exit_unchanged_on_interrupt(), ProgressReporter("affect") as progress:
        training_results = train_spaces(data, seed=seed, on_progress=progress.update, minutes=minutes)
    command = ["affect", "train", "--library", str(library.folder), "--captions", str(captions)]
    limit = [] if minutes is None else ["--minutes", f"{minutes:g}"]
    provenance = record_provenance(
        [*command, *limit, "--seed", str(seed)], seed=seed, data_digest=data.captioned_items.digest
    )
    outcomes = install_better_heads(library, training_results, provenance)
    if as_json:
        spaces = [outcome.to_json() for outcome in outcomes]
        click.echo(json.dumps({"spaces": spaces, **data.captioned_items.to_json()}))
    else:
        print_training_outcomes(outcomes)


@click.command()
@folder_option
@click.option("--undo", is_flag=True, help="Use the planes as they are again.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def align(folder: Path, undo: bool, seed: int, as_json: bool) -> None:
    """Bring the mood of sound and of pictures onto one plane, by the library's own videos. No media are read.

    Segments with both are the anchors; 30 of them, of 5 videos, are needed. Maps are tried on videos held
    out; the best is used only where sound agrees better with pictures than without, beyond the interval.
    Searches by mood from music to pictures and back then use it; --undo takes it back. Stopped by Ctrl-C it
    leaves the library as it was.
    """
    from retrieval.progress_reporter import ProgressReporter
    from retrieval.report import format_alignment_outcome
    from retrieval.training import align_affect

    with open_for_update(folder) as library:
        if undo:
            align_affect.remove_alignment(library)
            outcome = None
        else:
            anchors = align_affect.prepare_anchors(library)
            _print_messages(anchors.format_messages())
            with _exit_unchanged_on_interrupt(), ProgressReporter("affect") as progress:
                cross_validation = align_affect.cross_validate_alignment(
                    anchors,
                    seed=seed,
                    on_progress=lambda done, count: progress.update("aligning", done, count),
                )
            outcome = align_affect.install_alignment(library, *cross_validation)
    if as_json:
        click.echo(json.dumps({"alignment": None if outcome is None else outcome.to_json()}))
    elif outcome is None:
        click.echo(f"{to_printable(folder)}: sound and pictures on their own planes")
    else:
        click.echo(format_alignment_outcome(outcome))


def _print_messages(messages: Sequence[str]) -> None:
    for line in messages:
        click.echo(f"affect: {line}", err=True)


@contextmanager
def _exit_unchanged_on_interrupt() -> Iterator[None]:
    """Turn Ctrl-C before anything is written into a message and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("affect: stopped; the library is as it was", err=True)
        raise click.exceptions.Exit(130) from None

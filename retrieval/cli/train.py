"""Training a library on captions of its files, and aligning its sound with its pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from encoders.base import AffectError, printable
from retrieval.cli.options import FILE, json_option, library_option
from retrieval.cli.session import changed


@click.command()
@library_option
@click.option("--captions", type=FILE, help="CSV file: media, caption (and group: what belongs together).")
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
    Stopped by Ctrl-C it leaves the library as it was.
    """
    from retrieval.progress_reporter import ProgressReporter
    from retrieval.report.training_report import outcomes_table
    from retrieval.training.captions_csv import read_captions
    from retrieval.training.train_heads import forget, take_up, train_spaces
    from retrieval.training.training_data import prepare

    if (captions is None) != undo:
        raise AffectError("name the captions to learn from with --captions FILE, or --undo")
    if minutes is not None and math.isnan(minutes):
        raise AffectError("--minutes nan: give a number above 0")
    with changed(folder) as library:
        if captions is None:
            forget(library)
            told: dict[str, object] = {"spaces": []}
        else:
            found = prepare(library, read_captions(captions))
            _say(found.messages())
            with _unchanged_if_stopped(), ProgressReporter("affect") as report:
                trained = train_spaces(found, seed=seed, progress=report.update, minutes=minutes)
            outcomes = take_up(library, trained)
            told = {"spaces": [one.to_json() for one in outcomes], **found.captioned.to_json()}
    if as_json:
        click.echo(json.dumps(told))
    elif undo:
        click.echo(f"{printable(folder)}: back to the heads of the package")
    else:
        outcomes_table(outcomes)


@click.command()
@library_option
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
    from retrieval.report.training_report import alignment_line
    from retrieval.training import align_affect

    with changed(folder) as library:
        if undo:
            align_affect.undo(library)
            outcome = None
        else:
            found = align_affect.prepare(library)
            _say(found.messages())
            with _unchanged_if_stopped(), ProgressReporter("affect") as report:
                tried = align_affect.tried(
                    found, seed=seed, progress=lambda done, count: report.update("aligning", done, count)
                )
            outcome = align_affect.take_up(library, *tried)
    if as_json:
        click.echo(json.dumps({"alignment": None if outcome is None else outcome.to_json()}))
    elif outcome is None:
        click.echo(f"{printable(folder)}: sound and pictures on their own planes")
    else:
        click.echo(alignment_line(outcome))


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(f"affect: {line}", err=True)


@contextmanager
def _unchanged_if_stopped() -> Iterator[None]:
    """Ctrl-C while nothing has been written yet."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("affect: stopped; the library is as it was", err=True)
        raise click.exceptions.Exit(130) from None

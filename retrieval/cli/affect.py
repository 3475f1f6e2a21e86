"""Commands on affect: `feel` for files and texts, `map` for a whole library."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from encoders import AffectError, MediaError, decode_text, split_lines, to_printable
from retrieval.cli.options import PATH_TYPE, folder_option, json_option
from retrieval.cli.session import open_current_folder, open_input
from retrieval.search import validate_unicode


@click.command()
@click.argument("paths", nargs=-1, type=PATH_TYPE, metavar="FILE...")
@click.option("--text", metavar="TEXT", help="Words, instead of files.")
@click.option("--texts", type=PATH_TYPE, metavar="FILE", help="Texts, one a line (- for standard input).")
@click.option("--jobs", "-j", type=click.IntRange(1, 64), help="Decoder processes (default: one a core).")
@json_option
def feel(
    paths: tuple[Path, ...], text: str | None, texts: Path | None, jobs: int | None, as_json: bool
) -> None:
    """How files or texts feel: valence (unpleasant to pleasant) and arousal (still to stirred), -1 to 1.

    \b
    affect feel holiday/*.jpg song.ogg clip.mp4
    affect feel --text "not happy at all"
    affect feel --texts captions.txt --json > feelings.jsonl

    Each estimate comes with its standard deviation: 68 in 100 ratings by people lie within one. What has
    nothing to say abstains: silence, no face, an empty line. A face shows an expression, not a feeling.

    With --json a line for each input, in order: "affect" all in all, "experts" by sense, "emotions" (how
    well each of Plutchik's eight fits the point), "speech_emotion", "face_emotion", "trajectory" over time,
    and "why": the frames, seconds and words that moved it most. null: abstained.
    """
    from retrieval.affect import predict_file_affect, predict_text_affect
    from retrieval.features import FeaturePipeline, PipelineConfig

    input_count = sum((bool(paths), text is not None, texts is not None))
    if not input_count:
        raise click.UsageError("Name files, or --text, or --texts FILE.")
    if input_count > 1:
        raise click.UsageError("Files, --text and --texts exclude each other: give one of them.")
    pipeline = FeaturePipeline(PipelineConfig.default(activity=""))  # which affect does not read
    if text is not None:
        validate_unicode(text)
        records: Iterator[dict[str, Any] | MediaError] = iter(predict_text_affect(pipeline, [text]))
        count = 1
    elif texts is not None:
        lines = _read_lines(texts)
        records, count = iter(predict_text_affect(pipeline, lines)), len(lines)
    else:
        records, count = predict_file_affect(pipeline, paths, jobs or os.cpu_count() or 1), len(paths)
    if failed_count := _print_records(records, paths, count, as_json=as_json):
        raise AffectError(f"{failed_count} of {count} files could not be read")


def _print_records(
    records: Iterator[dict[str, Any] | MediaError], paths: tuple[Path, ...], count: int, *, as_json: bool
) -> int:
    """Print each record as soon as it is predicted; returns how many inputs could not be read."""
    from retrieval.affect import make_error_record
    from retrieval.progress_reporter import ProgressReporter
    from retrieval.report import format_affect_record

    failed_count = 0
    with ProgressReporter("affect", unit="inputs") as progress:
        for index, record in enumerate(records):
            if isinstance(record, MediaError):
                failed_count += 1
                click.echo(f"affect: {record}", err=True)
                record = make_error_record(paths[index], record.reason)
            if as_json:
                click.echo(json.dumps(record))
            elif "error" not in record:
                click.echo("\n".join(format_affect_record(record)))
            progress.update("feeling", index + 1, count)
    return failed_count


def _read_lines(path: Path) -> list[str]:
    """Texts, one per line; blank lines stay, so that records match lines. Raises AffectError."""
    with open_input("texts", path) as stream:
        content = stream.read()
    try:
        return split_lines(decode_text(content))
    except ValueError as error:
        raise AffectError(f"{to_printable(path)}: {error}") from error


@click.command("map")
@folder_option
@click.option(
    "--out", type=PATH_TYPE, default=Path("map"), show_default=True, help="Writes OUT.png and OUT.html."
)
@click.option("--ellipses", is_flag=True, help="Draw one standard deviation around each item.")
@json_option
def draw_affect_map(folder: Path, out: Path, ellipses: bool, as_json: bool) -> None:
    """Draw a library on the mood plane: a picture, and a page where one can look closer.

    Each item stands at the mean of its segments. A ring instead of a dot: little is known of it, no more than
    of any item before it is seen or heard; so it lies where the average item does.
    """
    from retrieval.report import write_va_map
    from retrieval.storage import load_snapshot

    with closing(open_current_folder(folder)) as library:
        drawn = write_va_map(library, load_snapshot(library), out, show_ellipses=ellipses)
    if as_json:
        click.echo(json.dumps(drawn))
    else:
        uncertain_note = (
            f", {drawn['little_known']} of them with little to go by" if drawn["little_known"] else ""
        )
        counts = f"{drawn['items']} items on the plane{uncertain_note}, {drawn['abstained']} abstained"
        click.echo(f"{counts}: wrote {', '.join(drawn['files'])}")

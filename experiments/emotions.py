"""`python -m experiments.emotions`: annotate captions with emotions by lexicons, as the seed did."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders.base import AffectError, to_printable
from experiments.datasets.data_root import DATA_ROOT

if TYPE_CHECKING:
    from experiments.lexicons.annotation import AnnotatedCaption

MSRVTT_CAPTIONS_FILE = Path("msrvtt_annotations") / "msrvtt_ret_test1k.json"
MSRVTT_RELEASED_FILE = Path("msrvtt_annotations") / "msrvtt_test1k.json"
MAX_LISTED = 10  # captions listed before the list is cut short


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("captions", required=False, type=click.Path(path_type=Path))
@click.option(
    "--bound", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Least |compound|."
)
@click.option("--as-reported", is_flag=True, help="VADER as in nltk, which the report used.")
@click.option("--lower", is_flag=True, help="Keywords and NRC's words in any case; by default as written.")
@click.option("--released", type=click.Path(path_type=Path), help="Records to set the columns against.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the balanced sets.")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Default: runs/emotions/NAME.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def main(ctx: click.Context, as_json: bool, **options: Any) -> None:
    """Tell which CAPTIONS are emotional and which emotions they name; by default MSR-VTT's 1k-A test set.

    CAPTIONS is a JSON list (MSR-VTT's), JSONL, a CSV or TSV file with a column caption, text or sentence, or
    plain text, one a line. Emotional is what VADER finds sentimental or a keyword is in; the emotions are
    NRC's. Several captions of one video count as one text. Writes all.json, emotional.json, neutral.json
    (as many of each) and balanced.json (both) into the folder --out.

    As in the report, VADER and NRC's words know the straight apostrophe alone: of "don’t", as phones write
    it, the negation is not seen and "don" counts. `affect feel` reads both alike.
    """
    try:
        run_annotation(as_json=as_json, **options)
    except AffectError as bad:
        click.echo(f"emotions: {bad}", err=True)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo("emotions: interrupted", err=True)
        ctx.exit(130)


def run_annotation(
    *, captions: Path | None, bound: float, as_reported: bool, lower: bool, released: Path | None, seed: int,
    data_root: Path, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The whole of it. Raises AffectError."""
    from experiments.datasets.records import parse_text_file
    from experiments.lexicons.annotation import (
        annotate,
        compare_records,
        count_emotional,
        sample_balanced,
        sort_emotional_first,
    )
    from experiments.lexicons.caption_files import read_video_captions

    file = captions or data_root / MSRVTT_CAPTIONS_FILE
    if captions is None and released is None and (data_root / MSRVTT_RELEASED_FILE).exists():
        released = data_root / MSRVTT_RELEASED_FILE
    earlier = (
        parse_text_file(released, _parse_records, "a JSON list of records with video_id")
        if released
        else None
    )
    found = read_video_captions(file)
    with report_progress(len(found)) as step:
        annotated = sort_emotional_first(
            annotate(found, threshold=bound, as_reported=as_reported, lower_case=lower, on_caption=step)
        )
    emotional, neutral = sample_balanced(annotated, seed=seed)
    parts = {"all": annotated, "emotional": emotional, "neutral": neutral, "balanced": emotional + neutral}
    out = out or Path("runs") / "emotions" / file.stem
    write_subsets(out, parts)
    told: dict[str, Any] = {
        "captions": str(file),
        "seed": seed,
        "today": asdict(count_emotional(annotated, as_reported=False)),
        "as_reported": asdict(count_emotional(annotated, as_reported=True)),
        "differ": [
            _difference_to_json(one) for one in annotated if one.is_sentimental != one.is_sentimental_nltk
        ],
        "balanced": {"emotional": len(emotional), "neutral": len(neutral)},
        "released": asdict(compare_records(annotated, earlier)) if earlier is not None else None,
        "out": str(out),
    }
    if as_json:
        click.echo(json.dumps({**told, "records": [one.record for one in annotated]}))
        return
    click.echo("\n".join(format_summary(told)))


def format_summary(report: dict[str, Any]) -> Iterator[str]:
    """What people read: counts, what changed since the report, the comparison, the files."""
    today, then = report["today"], report["as_reported"]
    yield f"{to_printable(report['captions'])}: {today['captions']} captions"
    yield f"emotional: {_format_counts(today)}"
    if report["differ"]:
        yield f"           {_format_counts(then)} with nltk's copy of VADER, as reported"
        for one in report["differ"][:MAX_LISTED]:
            name = f"{to_printable(one['video_id'])}: " if one["video_id"] else ""
            yield (
                f'  {name}"{to_printable(one["caption"])}" scores {one["compound"]:+.2f}, there '
                f"{one['compound_then']:+.2f}: its lexicon lacks {', '.join(one['words'])}"
            )
        if (more := len(report["differ"]) - MAX_LISTED) > 0:
            yield f"  ... and {more} more"
    if (with_them := report["released"]) is not None:
        yield f"columns: {with_them['equal']} of {with_them['both']} captions as released" + _format_ids(
            with_them["columns_differ"]
        )
        same = with_them["both"] - len(with_them["emotion_differs"])
        yield f"emotional or not: {same} of {with_them['both']} as released" + _format_ids(
            with_them["emotion_differs"]
        )
    sizes = report["balanced"]
    yield f"balanced: {sizes['emotional']} emotional + {sizes['neutral']} neutral, seed {report['seed']}"
    yield f"{to_printable(report['out'])}: all.json, emotional.json, neutral.json, balanced.json"


def _format_counts(counts: dict[str, int]) -> str:
    return f"{counts['vader']} by VADER, {counts['keyword']} by keyword, {counts['together']} together"


def _format_ids(video_ids: Sequence[str]) -> str:
    if not video_ids:
        return ""
    more = ", ..." if len(video_ids) > MAX_LISTED else ""
    return f"; not {', '.join(map(to_printable, video_ids[:MAX_LISTED]))}{more}"


def _difference_to_json(annotated: AnnotatedCaption) -> dict[str, Any]:
    """A caption that today's lexicon judges otherwise than the report's, and by which words."""
    from encoders.lexicon import WORDS_NOT_IN_NLTK, tokenize_for_nrc

    there = {word.lower() for word in tokenize_for_nrc(annotated.source.caption)}
    return {
        "video_id": annotated.source.video_id,
        "caption": annotated.source.caption,
        "compound": annotated.compound,
        "compound_then": annotated.compound_nltk,
        "words": sorted(there & WORDS_NOT_IN_NLTK),
    }


def write_subsets(out_folder: Path, subsets: dict[str, list[AnnotatedCaption]]) -> None:
    """A JSON list a part. Raises AffectError if the folder can't be written in."""
    from encoders.files import write_atomically

    try:
        for name, some in subsets.items():
            text = json.dumps([one.record for one in some], ensure_ascii=False)
            write_atomically(out_folder / f"{name}.json", text.encode())
    except OSError as bad:
        raise AffectError(f"{to_printable(out_folder)}: {(bad.strerror or str(bad)).lower()}") from bad


@contextmanager
def report_progress(count: int) -> Iterator[Callable[[], None]]:
    """Called after each caption; how far it is goes to standard error."""
    from retrieval.progress_reporter import ProgressReporter

    done = itertools.count(1)
    with ProgressReporter("emotions") as report:
        yield lambda: report.update("captions", next(done), count)


def _parse_records(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("not a list of records")
    return found


if __name__ == "__main__":
    main()

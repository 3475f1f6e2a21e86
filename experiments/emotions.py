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

from encoders.base import AffectError, printable
from experiments.datasets.records import DATA

if TYPE_CHECKING:
    from experiments.lexicons.annotation import Annotated

CAPTIONS = Path("msrvtt_annotations") / "msrvtt_ret_test1k.json"
RELEASED = Path("msrvtt_annotations") / "msrvtt_test1k.json"
SHOWN = 10  # captions listed before the list is cut short


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("captions", required=False, type=click.Path(path_type=Path))
@click.option(
    "--bound", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Least |compound|."
)
@click.option("--as-reported", is_flag=True, help="VADER as in nltk, which the report used.")
@click.option("--lower", is_flag=True, help="Keywords and NRC's words in any case; by default as written.")
@click.option("--released", type=click.Path(path_type=Path), help="Records to set the columns against.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the balanced sets.")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA, show_default=True)
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
        emotions(as_json=as_json, **options)
    except AffectError as bad:
        click.echo(f"emotions: {bad}", err=True)
        ctx.exit(2)
    except KeyboardInterrupt:
        click.echo("emotions: interrupted", err=True)
        ctx.exit(130)


def emotions(
    *, captions: Path | None, bound: float, as_reported: bool, lower: bool, released: Path | None, seed: int,
    data_root: Path, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """The whole of it. Raises AffectError."""
    from experiments.datasets.records import reading
    from experiments.lexicons.annotation import annotate, balanced, compared, counts, ordered
    from experiments.lexicons.caption_files import read

    file = captions or data_root / CAPTIONS
    if captions is None and released is None and (data_root / RELEASED).exists():
        released = data_root / RELEASED
    earlier = reading(released, _records, "a JSON list of records with video_id") if released else None
    found = read(file)
    with progress(len(found)) as step:
        annotated = ordered(annotate(found, bound=bound, as_reported=as_reported, lower=lower, step=step))
    emotional, neutral = balanced(annotated, seed=seed)
    parts = {"all": annotated, "emotional": emotional, "neutral": neutral, "balanced": emotional + neutral}
    out = out or Path("runs") / "emotions" / file.stem
    write(out, parts)
    told: dict[str, Any] = {
        "captions": str(file),
        "seed": seed,
        "today": asdict(counts(annotated, as_reported=False)),
        "as_reported": asdict(counts(annotated, as_reported=True)),
        "differ": [_difference(one) for one in annotated if one.vader != one.vader_then],
        "balanced": {"emotional": len(emotional), "neutral": len(neutral)},
        "released": asdict(compared(annotated, earlier)) if earlier is not None else None,
        "out": str(out),
    }
    if as_json:
        click.echo(json.dumps({**told, "records": [one.record for one in annotated]}))
        return
    click.echo("\n".join(summary(told)))


def summary(told: dict[str, Any]) -> Iterator[str]:
    """What people read: counts, what changed since the report, the comparison, the files."""
    today, then = told["today"], told["as_reported"]
    yield f"{printable(told['captions'])}: {today['captions']} captions"
    yield f"emotional: {_counted(today)}"
    if told["differ"]:
        yield f"           {_counted(then)} with nltk's copy of VADER, as reported"
        for one in told["differ"][:SHOWN]:
            name = f"{printable(one['video_id'])}: " if one["video_id"] else ""
            yield (
                f'  {name}"{printable(one["caption"])}" scores {one["compound"]:+.2f}, there '
                f"{one['compound_then']:+.2f}: its lexicon lacks {', '.join(one['words'])}"
            )
        if (more := len(told["differ"]) - SHOWN) > 0:
            yield f"  ... and {more} more"
    if (with_them := told["released"]) is not None:
        yield f"columns: {with_them['equal']} of {with_them['both']} captions as released" + _named(
            with_them["columns_differ"]
        )
        same = with_them["both"] - len(with_them["emotion_differs"])
        yield f"emotional or not: {same} of {with_them['both']} as released" + _named(
            with_them["emotion_differs"]
        )
    sizes = told["balanced"]
    yield f"balanced: {sizes['emotional']} emotional + {sizes['neutral']} neutral, seed {told['seed']}"
    yield f"{printable(told['out'])}: all.json, emotional.json, neutral.json, balanced.json"


def _counted(found: dict[str, int]) -> str:
    return f"{found['vader']} by VADER, {found['keyword']} by keyword, {found['together']} together"


def _named(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    return f"; not {', '.join(map(printable, ids[:SHOWN]))}{', ...' if len(ids) > SHOWN else ''}"


def _difference(one: Annotated) -> dict[str, Any]:
    """A caption that today's lexicon judges otherwise than the report's, and by which words."""
    from encoders.lexicon import NLTK_LACKS, nrc_words

    there = {word.lower() for word in nrc_words(one.source.caption)}
    return {
        "video_id": one.source.video_id, "caption": one.source.caption, "compound": one.compound,
        "compound_then": one.compound_then, "words": sorted(there & NLTK_LACKS),
    }  # fmt: skip


def write(out: Path, parts: dict[str, list[Annotated]]) -> None:
    """A JSON list a part. Raises AffectError if the folder can't be written in."""
    from encoders.onnx_runtime import write_whole

    try:
        for name, some in parts.items():
            text = json.dumps([one.record for one in some], ensure_ascii=False)
            write_whole(out / f"{name}.json", text.encode())
    except OSError as bad:
        raise AffectError(f"{printable(out)}: {(bad.strerror or str(bad)).lower()}") from bad


@contextmanager
def progress(count: int) -> Iterator[Callable[[], None]]:
    """Called after each caption; how far it is goes to standard error."""
    from retrieval.progress_reporter import ProgressReporter

    done = itertools.count(1)
    with ProgressReporter("emotions") as report:
        yield lambda: report.update("captions", next(done), count)


def _records(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("not a list of records")
    return found


if __name__ == "__main__":
    main()

"""`python -m experiments.emotions annotate`: emotions of captions by lexicons, as the report did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError, describe_os_error, to_printable
from experiments.datasets.data_root import DATA_ROOT

if TYPE_CHECKING:
    from experiments.lexicons.annotation import AnnotatedCaption
    from experiments.lexicons.selection import AnnotatedCaptions, Selecting, Unit

MSRVTT_CAPTIONS_FILE = Path("msrvtt_annotations") / "msrvtt_ret_test1k.json"
MSRVTT_RELEASED_FILE = Path("msrvtt_annotations") / "msrvtt_test1k.json"
MAX_LISTED = 10  # captions listed before the list is cut short


@click.command("annotate")
@click.argument("captions", required=False, type=click.Path(path_type=Path))
@click.option(
    "--bound", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Least |compound|."
)
@click.option(
    "--select", "selecting", type=click.Choice(["video", "caption", "none"]), default="video",
    show_default=True, help="What is emotional or neutral.",
)  # fmt: skip
@click.option(
    "--annotate", "annotating", type=click.Choice(["video", "caption"]),
    help="What a record is of. Default: what is selected; captions with --select none.",
)  # fmt: skip
@click.option("--as-reported", is_flag=True, help="VADER as in nltk, which the report used.")
@click.option("--lower", is_flag=True, help="Keywords and NRC's words in any case; by default as written.")
@click.option("--released", type=click.Path(path_type=Path), help="Records to set the columns against.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the balanced sets.")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Default: runs/emotions/NAME.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool, **options: Any) -> None:
    """Tell which CAPTIONS are emotional and which emotions they name; by default MSR-VTT's 1k-A test set.

    CAPTIONS is a JSON list (MSR-VTT's) or an object of captions by video id (MSVD's), JSONL, a CSV or TSV
    file with a column caption, text or sentence, or plain text, one a line. Emotional is what VADER finds
    sentimental or a keyword is in; the emotions are NRC's. Writes all.json, emotional.json, neutral.json
    (as many of each) and balanced.json (both) into the folder --out, with --select none all.json alone.

    \b
    --select  --annotate  a record is of  "emotion" is of      the columns are of
    video     video       a video         its captions joined  its captions joined
    video     caption     a caption       its video's, joined  the caption
    caption   caption     a caption       the caption          the caption
    none      caption     a caption       (not written)        the caption
    none      video       a video         (not written)        its captions joined

    The first row is the report's code and the default; the second is what its text says and what its files
    of MSVD and DiDeMo hold. Records of captions have a sen_id, theirs in the file or a running number. The
    rows mean different things: twenty captions joined are far more often emotional than one; the summary
    says how much more in this file.

    As in the report, VADER and NRC's words know the straight apostrophe alone: of "don’t", as phones write
    it, the negation is not seen and "don" counts. `affect feel` reads both alike.
    """
    run_annotation(as_json=as_json, **options)


def run_annotation(
    *, captions: Path | None, bound: float, selecting: Selecting, annotating: Unit | None, as_reported: bool,
    lower: bool, released: Path | None, seed: int, data_root: Path, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Annotate the captions, write the subsets and print the summary. Raises AffectError."""
    from experiments.lexicons.caption_files import read_captions
    from experiments.lexicons.selection import annotate_captions, check_selection
    from retrieval.progress_reporter import ProgressReporter

    file = captions or data_root / MSRVTT_CAPTIONS_FILE
    if captions is None and released is None and (data_root / MSRVTT_RELEASED_FILE).exists():
        released = data_root / MSRVTT_RELEASED_FILE
    released_records = _read_records(released) if released else None
    sources = read_captions(file)
    annotating = annotating or ("caption" if selecting == "none" else selecting)
    check_selection(selecting, annotating, sources)
    with ProgressReporter("emotions") as report_progress:
        annotated = annotate_captions(
            sources, threshold=bound, as_reported=as_reported, lower_case=lower,
            on_text=lambda done, total: report_progress.update("texts", done, total),
        )  # fmt: skip
    subsets = annotated.make_subsets(selecting, annotating, seed=seed)
    out = out or Path("runs") / "emotions" / file.stem
    write_subsets(out, subsets)
    report: dict[str, Any] = {
        "captions": str(file), "seed": seed, "select": selecting, "annotate": annotating,
        **make_report(annotated, subsets, selecting, released_records), "out": str(out),
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps({**report, "records": [one.record for one in subsets["all"]]}))
        return
    click.echo("\n".join(format_summary(report)))


def make_report(
    annotated: AnnotatedCaptions,
    subsets: Mapping[str, list[AnnotatedCaption]],
    selecting: Selecting,
    released_records: list[dict[str, Any]] | None,
) -> dict[str, Any]:
    """Counts by both lexicons over what is selected, texts they judge differently, both meanings, and the
    comparison with released records.
    """
    from experiments.lexicons.annotation import compare_records, count_emotional
    from experiments.lexicons.selection import compute_statistics

    units = annotated.captions if selecting == "caption" else annotated.videos
    return {
        "today": asdict(count_emotional(units, as_reported=False)),
        "as_reported": asdict(count_emotional(units, as_reported=True)),
        "differ": [
            _difference_to_json(unit) for unit in units if unit.is_sentimental != unit.is_sentimental_nltk
        ],
        "per caption": asdict(compute_statistics(annotated.captions)),
        "per video": asdict(compute_statistics(annotated.videos)) if annotated.has_video_ids else None,
        "balanced": None
        if selecting == "none"
        else {name: len(subsets[name]) for name in ("emotional", "neutral")},
        "released": None
        if released_records is None
        else asdict(compare_records(subsets["all"], released_records)),
    }


def format_summary(report: dict[str, Any]) -> Iterator[str]:
    """Lines of text: counts, differences from the report, the comparison, the files."""
    today, reported = report["today"], report["as_reported"]
    yield f"{to_printable(report['captions'])}: {today['captions']} captions"
    yield f"emotional: {_format_counts(today)}"
    if report["differ"]:
        yield f"           {_format_counts(reported)} with nltk's copy of VADER, as reported"
        for entry in report["differ"][:MAX_LISTED]:
            name = f"{to_printable(entry['video_id'])}: " if entry["video_id"] else ""
            yield (
                f'  {name}"{to_printable(entry["caption"])}" scores {entry["compound"]:+.2f}, there '
                f"{entry['compound_then']:+.2f}: its lexicon lacks {', '.join(entry['words'])}"
            )
        if (more := len(report["differ"]) - MAX_LISTED) > 0:
            yield f"  ... and {more} more"
    if (comparison := report["released"]) is not None:
        yield f"columns: {comparison['equal']} of {comparison['both']} captions as released" + _format_ids(
            comparison["columns_differ"]
        )
        same = comparison["both"] - len(comparison["emotion_differs"])
        yield f"emotional or not: {same} of {comparison['both']} as released" + _format_ids(
            comparison["emotion_differs"]
        )
    yield from _format_meanings(report["per caption"], report["per video"])
    if (sizes := report["balanced"]) is None:
        yield f"{to_printable(report['out'])}: all.json"
        return
    yield f"balanced: {sizes['emotional']} emotional + {sizes['neutral']} neutral, seed {report['seed']}"
    yield f"{to_printable(report['out'])}: all.json, emotional.json, neutral.json, balanced.json"


def _format_meanings(per_caption: dict[str, Any], per_video: dict[str, Any] | None) -> Iterator[str]:
    """How much more often videos are emotional than captions, where videos have several."""
    if per_video is None or per_video["texts"] == per_caption["texts"]:
        return
    for name, found in (("caption", per_caption), ("video, joined", per_video)):
        share, without = (100 * found[key] / found["texts"] for key in ("emotional", "without_emotion"))
        yield (
            f"per {name}: {found['emotional']} of {found['texts']} emotional ({share:.2f} %), "
            f"{found['emotions_per_text']:.2f} emotions named a text, none by {without:.0f} %"
        )


def _format_counts(counts: dict[str, int]) -> str:
    return f"{counts['vader']} by VADER, {counts['keyword']} by keyword, {counts['together']} together"


def _format_ids(video_ids: Sequence[str]) -> str:
    if not video_ids:
        return ""
    more = ", ..." if len(video_ids) > MAX_LISTED else ""
    return f"; not {', '.join(map(to_printable, video_ids[:MAX_LISTED]))}{more}"


def _difference_to_json(annotated: AnnotatedCaption) -> dict[str, Any]:
    """A caption that both lexicons judge differently, and the words that one of them lacks."""
    from encoders.lexicon import WORDS_NOT_IN_NLTK, tokenize_for_nrc

    words = {word.lower() for word in tokenize_for_nrc(annotated.source.caption)}
    return {
        "video_id": annotated.source.video_id,
        "caption": annotated.source.caption,
        "compound": annotated.compound,
        "compound_then": annotated.compound_nltk,
        "words": sorted(words & WORDS_NOT_IN_NLTK),
    }


def write_subsets(out_folder: Path, subsets: dict[str, list[AnnotatedCaption]]) -> None:
    """Write a JSON list for each subset. Raises AffectError if the folder can't be written to."""
    from encoders import write_atomically

    try:
        for name, subset in subsets.items():
            text = json.dumps([caption.record for caption in subset], ensure_ascii=False)
            write_atomically(out_folder / f"{name}.json", text.encode())
    except OSError as bad:
        raise AffectError(f"{to_printable(out_folder)}: {describe_os_error(bad)}") from bad


def _read_records(path: Path) -> list[dict[str, Any]]:
    from experiments.datasets.records import parse_text_file

    records: list[dict[str, Any]] = parse_text_file(
        path, _parse_records, "a JSON list of records with video_id"
    )
    return records


def _parse_records(text: str) -> list[dict[str, Any]]:
    records = json.loads(text)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("not a list of records")
    return records

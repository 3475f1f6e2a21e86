"""`python -m experiments.emotions splits`: the emotion report's sets of MSR-VTT as files of records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoders import to_printable
from experiments.datasets.data_root import DATA_ROOT

if TYPE_CHECKING:
    from experiments.emotion_retrieval.data.records import EmotionRecord
    from experiments.lexicons.selection import Unit

PATH = click.Path(path_type=Path)


@click.command("splits", short_help="The report's sets of MSR-VTT, as files of records.")
@click.option("--sets", "names", metavar="NAME,...", help="Default: all.")
@click.option(
    "--annotation", type=PATH,
    help="MSR-VTT's captions: *videodatainfo*.json or MSRVTT_data.json, or a folder with them. Default: "
    "msrvtt_annotations in the data root.",
)  # fmt: skip
@click.option(
    "--annotate", "annotating", type=click.Choice(["video", "caption"]), default="video", show_default=True,
    help="Of training sets: a record a video, its captions joined, or a record a caption.",
)  # fmt: skip
@click.option(
    "--bound", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Least |compound|."
)
@click.option("--as-reported", is_flag=True, help="VADER as in nltk, which the report used.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the neutral videos.")
@click.option("--data-root", type=PATH, default=DATA_ROOT, show_default=True)
@click.option("--out", type=PATH, default=Path("runs/emotion-splits"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    names: str | None, annotation: Path | None, annotating: Unit, bound: float, as_reported: bool, seed: int,
    data_root: Path, out: Path, *, as_json: bool,
) -> None:  # fmt: skip
    """Write the sets that the emotion report trains and tests on, as NAME.json each, for `train` and `test`.

    \b
    train9k, train7k        the training lists of 1k-A
    emotional6k             the emotional videos of train9k
    test1k                  the test list, emotional videos first
    emotional34, neutral34  the emotional ones of it, and as many others by --seed

    A video is emotional if VADER finds its captions, joined, sentimental or a keyword is in them. The test
    sets need the lists alone, the training sets MSR-VTT's captions too. A video of a list without captions
    is an error, and then nothing is written.
    """
    from experiments.emotion_retrieval.data.msrvtt_splits import SETS, SplitRule, load_report_sets
    from experiments.emotion_retrieval.data.records import write_records
    from retrieval.progress_reporter import ProgressReporter

    chosen = SETS if names is None else tuple(name.strip() for name in names.split(",") if name.strip())
    rule = SplitRule(bound=bound, as_reported=as_reported, annotating=annotating, seed=seed)
    with ProgressReporter("emotions") as report:
        sets = load_report_sets(
            chosen, rule, data_root=data_root, annotation=annotation,
            on_text=lambda done, total: report.update("texts", done, total),
        )  # fmt: skip
    counts = {}
    for name, records in sets.items():
        write_records(out / f"{name}.json", records)
        counts[name] = count_records(records)
    if as_json:
        click.echo(json.dumps({"sets": counts, "seed": seed, "out": str(out)}))
        return
    for name, found in counts.items():
        click.echo(
            f"{name}: {found['videos']} videos, {found['emotional']} of them emotional, "
            f"{found['records']} records"
        )
    click.echo(f"written to {to_printable(out)}")


def count_records(records: Sequence[EmotionRecord]) -> dict[str, int]:
    """Videos, emotional ones among them, and records."""
    return {
        "videos": len({record.video_id for record in records}),
        "records": len(records),
        "emotional": len({record.video_id for record in records if record.emotion}),
    }

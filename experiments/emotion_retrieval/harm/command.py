"""`python -m experiments.emotions harm`: what emotions in the text tower do to recall, and why."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError, write_atomically
from experiments.ablate import create_out_folder
from experiments.datasets.data_root import DATA_ROOT

if TYPE_CHECKING:
    from experiments.emotion_retrieval.harm.study import HarmSetting, VariantResult
    from experiments.emotion_retrieval.harm.variants import Variant
    from experiments.statistics.report import Requirement

DATA_NAMES = ("msvd", "flickr1k", "oasis", "synthetic")  # keys of HARM_SETTINGS, which imports torch


@click.command("harm")
@click.option("--data", type=click.Choice(DATA_NAMES), default="msvd", show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--variants", "prefixes", multiple=True, metavar="PREFIX",
    help="Only variants whose names begin so, and the baseline. Can be repeated.",
)  # fmt: skip
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path), help="By default runs/harm/ and the name of the data."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    data: str, seeds: int, prefixes: tuple[str, ...], data_root: Path, out: Path | None, *, as_json: bool
) -> None:  # fmt: skip
    """What emotions in a text tower do to recall, and why.

    Recall with the emotion report's embeddings and with other forms, on all queries and by emotion.

    \b
    msvd       captions: half of a video's stand in for its pictures
    flickr1k   photos by this project's frozen features, and their affect as it predicts it
    oasis      photos by theme and mood; features and affect as for flickr1k
    synthetic  rendered videos with music of a mood through a small CLIP-ViP, trained from scratch

    A text tower is trained without emotions first, and every variant starts from its weights. Differences of
    R@1 from the baseline have intervals over seeds and items together. Below the table are the bars that the
    form without harm has to meet. Writes table.md, report.png and
    results.json into the folder --out, and keeps there what is finished: an interrupted run goes on where it
    was.
    """
    from experiments.emotion_retrieval.harm.bars import check_bars
    from experiments.emotion_retrieval.harm.report import summarise_variants
    from experiments.emotion_retrieval.harm.settings import HARM_SETTINGS
    from experiments.statistics.provenance import describe_provenance

    folder = out or Path("runs/harm") / data
    setting = HARM_SETTINGS[data](data_root)
    variants = select_variants(setting.variants, prefixes)
    create_out_folder(folder)
    results = run_with_progress(setting, variants, seeds, folder)
    record = {
        "provenance": describe_provenance("experiments.emotions", sys.argv[1:]), "data": data, "seeds": seeds,
        **setting.describe(),
    }  # fmt: skip
    bars = check_bars(summarise_variants(results), setting.report, setting.ours)
    table, record = write_report(folder, record, results, bars)
    click.echo(json.dumps(record) if as_json else table)


def run_with_progress(
    setting: HarmSetting, variants: Sequence[Variant], seeds: int, folder: Path
) -> list[VariantResult]:
    """Every variant under every seed; what is finished is kept in the folder."""
    from experiments.emotion_retrieval.harm.study import run_harm_study
    from retrieval.progress_reporter import ProgressReporter

    numbers = itertools.count()
    with ProgressReporter("emotions", unit="variants") as report:
        return run_harm_study(
            setting, variants, seeds=range(seeds), trial_folder=folder / "trials",
            on_variant=lambda name: report.update(name, next(numbers), seeds * len(variants)),
        )  # fmt: skip


def select_variants(variants: Sequence[Variant], prefixes: tuple[str, ...]) -> list[Variant]:
    """The baseline and the variants whose names begin with a prefix; all without. Raises AffectError."""
    names = [variant.name for variant in variants]
    if unknown := [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in names)]:
        raise AffectError(f"no variant {', '.join(unknown)}; variants: {'; '.join(names)}")
    return [
        variant
        for variant in variants
        if not prefixes or variant is variants[0] or variant.name.startswith(prefixes)
    ]


def write_report(
    folder: Path, record: dict[str, Any], results: Sequence[VariantResult], bars: Sequence[Requirement]
) -> tuple[str, dict[str, Any]]:
    """Write table.md, report.png and results.json; the tables, and the record with all summaries."""
    from experiments.emotion_retrieval.harm.plot import draw_forest
    from experiments.emotion_retrieval.harm.report import (
        format_cause,
        format_summaries,
        read_cause,
        summarise_variants,
    )
    from experiments.emotion_retrieval.harm.study import QUERY_SETS

    summaries, cause = summarise_variants(results), read_cause(results)
    record = {
        **record,
        "variants": [summary.to_json() for summary in summaries],
        "cause": [asdict(reading) for reading in cause],
        "bars": [bar.to_json() for bar in bars],
    }
    lines = [*format_summaries(summaries), *(["", *format_cause(cause)] if cause else [])]
    table = "\n".join([*lines, "", *(f"* {bar}" for bar in bars)])
    forest = draw_forest(
        [summary.variant for summary in summaries],
        {name: [summary.differences[name] for summary in summaries] for name in QUERY_SETS},
        f"{record['data']}: R@1 of each variant less the baseline's, {record['seeds']} seeds",
        "R@1 less the baseline's, 95 % interval",
    )
    write_atomically(folder / "report.png", forest)
    write_atomically(folder / "table.md", f"{table}\n".encode())
    write_atomically(folder / "results.json", json.dumps(record, indent=1).encode())
    return table, record

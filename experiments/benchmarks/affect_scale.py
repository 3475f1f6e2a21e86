"""Affect on one scale: r, CCC, spread, offset and coverage of every head, on what it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from encoders import AffectError
from experiments.datasets import DATA_ROOT
from experiments.statistics.report import BenchmarkReport, add_seed_option, json_option, print_report
from retrieval.progress_reporter import ProgressReporter

if TYPE_CHECKING:
    from experiments.affect_scale.rated_estimates import RatedEstimates

TEXT = "text"
DEFAULT_HEADS = (TEXT, "photo", "speech", "music", "face")
HEADS = (*DEFAULT_HEADS, "sound")


@click.command("scale", short_help="Affect on one scale: r, CCC, spread, offset, coverage of each head.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--heads", default=",".join(DEFAULT_HEADS), show_default=True, metavar="HEAD,...")
@add_seed_option
@json_option
def command(data: Path, heads: str, seed: int, as_json: bool) -> None:
    """Estimates against ratings of texts (EmoBank, CAAV, OASIS' themes), photos (OASIS) and music (VGMIDI),
    and against where an acted or labelled emotion lies, for speech (RAVDESS) and faces.

    Whole groups are held out in turn: documents, phrases, themes, actors, series, persons. Texts are also
    estimated by models that used no rating of their corpus. The head "sound" is of sounds that are neither
    speech nor music, beside norms of the word for each, which are no part of the data sets: put the table of
    Warriner et al. (2013) into DATA/warriner. The first run takes a quarter of an hour.
    """
    chosen = [name.strip() for name in heads.split(",") if name.strip()]
    if not chosen or not set(chosen) <= set(HEADS):
        raise AffectError(f"--heads {heads}: choose from {', '.join(HEADS)}")
    from experiments.affect_scale.agreement import list_requirements, measure_agreement

    rows = [row for items in _load_estimates(chosen, data, seed) for row in measure_agreement(items, seed)]
    report = BenchmarkReport(
        benchmark="scale",
        settings={"seed": seed},
        rows=rows,
        requirements=[requirement for row in rows for requirement in list_requirements(row)],
        notes=[
            "brackets: 95 % bootstrap intervals by group; spread: SD of estimates over that of ratings; "
            "offset: mean of estimates less that of ratings",
            "r less CCC is what spread and offset cost; an offset of a corpus is how its raters differ from "
            "others, which no text tells",
            "unseen: groups in turn, or no rating of the whole corpus was used after the text adapters; the "
            "SDs of the latter have the SD between the other corpora added",
            "speech, face, sound: the truth is where an emotion or a word lies; within 1 SD: the expected "
            "share of items that lie about it as far as rated ones do",
        ],
    )
    print_report(report, as_json=as_json)


def _load_estimates(heads: list[str], data: Path, seed: int) -> Iterator[RatedEstimates]:
    from experiments.affect_scale.rated_estimates import LOADERS
    from experiments.affect_scale.sound_estimates import load_sound_estimates
    from experiments.affect_scale.text_estimates import load_text_estimates

    loaders = {**LOADERS, "sound": load_sound_estimates}
    with ProgressReporter("scale", unit="heads") as report:
        for number, head in enumerate(heads):
            report.update(f"{head}: groups held out in turn", number, len(heads))
            if head == TEXT:
                yield from load_text_estimates(data, seed)
            else:
                yield loaders[head](data, seed)

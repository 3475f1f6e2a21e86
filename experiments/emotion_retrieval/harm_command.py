"""`python -m experiments.emotions harm`: what emotions in the text tower do to recall, and why."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError
from experiments.ablate import create_out_folder
from experiments.datasets.data_root import DATA_ROOT

if TYPE_CHECKING:
    from experiments.emotion_retrieval.variants import Variant


@click.command("harm")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--variants", default="", metavar="PREFIX,...", help="Only variants whose names begin so.")
@click.option("--data-root", type=click.Path(path_type=Path), default=DATA_ROOT, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("runs/harm"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(seeds: int, variants: str, data_root: Path, out: Path, *, as_json: bool) -> None:
    """Recall with the emotion report's embeddings and with other forms, on all queries and by emotion.

    MSVD's captions alone: half of a video's captions stand in for its pictures, a small CLIP text tower is
    trained on the other half, and every variant starts from its weights. Differences of R@1 from the baseline
    have intervals over seeds and videos together. Writes table.md, report.png and results.json into the
    folder --out, and keeps there what is finished: an interrupted run goes on where it was.
    """
    from encoders import write_atomically
    from experiments.datasets.msvd import load_msvd
    from experiments.emotion_retrieval.caption_videos import split_caption_videos
    from experiments.emotion_retrieval.harm_plot import draw_forest
    from experiments.emotion_retrieval.harm_report import (
        format_cause,
        format_summaries,
        read_cause,
        summarise_variants,
    )
    from experiments.emotion_retrieval.harm_study import QUERY_SETS, run_harm_study
    from experiments.statistics.provenance import describe_provenance
    from retrieval.progress_reporter import ProgressReporter

    chosen = select_variants(variants)
    create_out_folder(out)
    splits = split_caption_videos(load_msvd(data_root), seed=0)
    done = 0
    with ProgressReporter("emotions", unit="variants") as report:

        def report_variant(name: str) -> None:
            nonlocal done
            report.update(name, done, seeds * len(chosen))
            done += 1

        results = run_harm_study(
            splits, chosen, seeds=range(seeds), trial_folder=out / "trials", on_variant=report_variant
        )
    summaries, cause = summarise_variants(results), read_cause(results)
    record: dict[str, Any] = {
        "provenance": describe_provenance("experiments.emotions", sys.argv[1:]), "seeds": seeds,
        "queries": len(splits.test.item_by_text), "with emotion": int(splits.test.has_emotion.sum()),
        "variants": [summary.to_json() for summary in summaries],
        "cause": [asdict(reading) for reading in cause],
    }  # fmt: skip
    table = "\n".join([*format_summaries(summaries), "", *format_cause(cause)])
    forest = draw_forest(
        [summary.variant for summary in summaries],
        {name: [summary.differences[name] for summary in summaries] for name in QUERY_SETS},
        f"R@1 of each variant less the baseline's, {seeds} seeds", "R@1 less the baseline's, 95 % interval",
    )  # fmt: skip
    write_atomically(out / "report.png", forest)
    write_atomically(out / "table.md", f"{table}\n".encode())
    write_atomically(out / "results.json", json.dumps(record, indent=1).encode())
    click.echo(json.dumps(record) if as_json else table)


def select_variants(spec: str) -> list[Variant]:
    """The baseline and the variants whose names begin with a prefix; all without. Raises AffectError."""
    from experiments.emotion_retrieval.variants import BASELINE, VARIANTS

    prefixes = tuple(part.strip() for part in spec.split(",") if part.strip())
    names = [variant.name for variant in VARIANTS]
    if unknown := [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in names)]:
        raise AffectError(f"no variant {', '.join(unknown)}; variants: {'; '.join(names)}")
    return [v for v in VARIANTS if not prefixes or v.name == BASELINE or v.name.startswith(prefixes)]

"""`python -m experiments.emotions test`: trained models on one test set, by query set, paired."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from encoders import AffectError, describe_os_error, to_printable, write_atomically

PATH = click.Path(path_type=Path)
RESULTS_FILE, REPORT_FILE = "results.json", "report.md"


@click.command("test", short_help="Recall of trained models by query set, paired.")
@click.argument("models", nargs=-1, required=True, type=PATH)
@click.option("--records", type=PATH, required=True, help="Captions with emotions, in the report's format.")
@click.option("--videos", type=PATH, required=True, help="Folder with a file for each video id.")
@click.option("--affect", type=PATH, help="The table of affect, for models that were trained with one.")
@click.option("--dsl", is_flag=True, help="Cosines times their softmax over all queries, as CLIP-ViP's DSL.")
@click.option("--out", type=PATH, default=Path("runs/clipvip-test"), show_default=True)
@click.option("--frames", "frame_cache", type=PATH, help="Where decoded frames are kept; OUT/frames.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the intervals.")
@click.option("--draws", type=click.IntRange(1), default=2000, show_default=True, help="Resamples of each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(models: tuple[Path, ...], out: Path, *, as_json: bool, **options: Any) -> None:
    """Recall of MODELS, folders that `train` wrote, in both directions on one test set.

    Reported are all queries, those with and without an emotion, and, where the records have the flag
    "emotion", the emotional and the neutral ones; every query searches all videos. Figures are by the
    project's own rules, with 95 % intervals, and by the rules of CLIP-ViP's and the emotion report's code.
    The first model is the baseline: the others are compared with it over the same queries.

    Writes results.json and report.md into the folder --out. Encoded features are kept there, so that a second
    run, or one with a model more, is fast.

    \b
    python -m experiments.emotions test runs/clipvip/none runs/clipvip/report --records test1k.json \\
        --videos videos
    """
    from experiments.emotion_retrieval.comparison.comparison_report import format_report

    record = compare_on_test_set(models, out, **options)
    report = format_report(record)
    try:
        write_atomically(out / REPORT_FILE, report.encode())
        write_atomically(out / RESULTS_FILE, json.dumps(record, indent=1).encode())
    except OSError as error:
        raise AffectError(f"{to_printable(out)}: {describe_os_error(error)}") from error
    click.echo(json.dumps(record) if as_json else report)


def compare_on_test_set(
    models: tuple[Path, ...], out: Path, *, records: Path, videos: Path, affect: Path | None, dsl: bool,
    frame_cache: Path | None, device: str, precision: Any, seed: int, draws: int,
) -> dict[str, Any]:  # fmt: skip
    """What results.json holds. Raises AffectError for anything that can't be read, before it encodes."""
    from experiments.emotion_retrieval.comparison.model_comparison import describe_results, evaluate_model
    from experiments.emotion_retrieval.comparison.model_features import encode_models, name_models
    from experiments.emotion_retrieval.data.affect_table import read_affect
    from experiments.emotion_retrieval.data.caption_queries import read_captions
    from experiments.emotion_retrieval.training.devices import select_bfloat16, select_device
    from experiments.statistics.provenance import describe_provenance

    place = select_device(device)
    bfloat16 = select_bfloat16(precision, place)
    table = read_affect(affect) if affect else None
    stored = name_models(models, table)
    queries = read_captions(records)
    rows = encode_models(
        stored, queries, videos, frame_cache=frame_cache or out / "frames", feature_cache=out / "features",
        affect=table, device=place, bfloat16=bfloat16,
    )  # fmt: skip
    results = {
        name: evaluate_model(texts, media, queries, gallery, dsl=dsl)
        for name, (texts, media, gallery) in rows.items()
    }
    return {
        "records": records.name,
        "captions": len(queries.texts),
        "videos": len(set(queries.video_ids)),
        "similarity": "cosine times dual softmax (DSL)" if dsl else "cosine",
        **describe_results(results, seed=seed, draws=draws),
        "weights": {
            name: {"sha256": model.sha256, "config": model.config.to_json()} for name, model in stored.items()
        },
        "provenance": describe_provenance("experiments.emotions", sys.argv[1:]),
    }

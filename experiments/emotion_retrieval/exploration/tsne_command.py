"""`python -m experiments.emotions tsne`: features of texts and videos by emotion, drawn and measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from encoders import AffectError, describe_os_error, to_printable, write_atomically

PATH = click.Path(path_type=Path)
RESULTS_FILE = "tsne.json"


@click.command("tsne", short_help="Texts and videos by emotion: a map, and a measure of clusters.")
@click.argument("model", type=PATH)
@click.argument("records", type=PATH)
@click.argument("videos", type=PATH)
@click.option("--model", "others", type=PATH, multiple=True, help="Another model, in the same map.")
@click.option("--out", type=PATH, default=Path("runs/clipvip-tsne"), show_default=True)
@click.option("--perplexity", type=click.FloatRange(1), default=5, show_default=True, help="5 in the report.")
@click.option(
    "--neighbours", type=click.IntRange(1), default=10, show_default=True, help="Of the cluster measure."
)
@click.option("--draws", type=click.IntRange(99), default=999, show_default=True, help="Permutations.")
@click.option("--affect", type=PATH, help="Table of the videos' affect, for models that take it.")
@click.option("--frames", "frame_cache", type=PATH, help="Where decoded frames are kept; OUT/frames.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of map and permutations.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    model: Path, records: Path, videos: Path, others: tuple[Path, ...], out: Path, *, as_json: bool,
    **options: Any,
) -> None:  # fmt: skip
    """Map the captions of RECORDS and their videos in the folder VIDEOS by the features of MODEL.

    All texts and videos, of all models, go into one t-SNE. Each model gets a picture with a panel for each
    emotion against the rest and one of all; texts are discs, videos triangles. The label is the emotion that
    NRC's words name most often, the first in the project's order of several; captions without any have a
    label of their own (the emotion report draws them as joy). A video has the label of its captions.

    The cluster measure is of the features, not of the picture: the mean share of a point's nearest
    neighbours (cosine, none of the same video) with its label, with a 95 % interval over videos, beside its
    range under permuted labels, for texts and videos apart and together. A text tower that adds emotions
    to its words clusters texts by them even untrained: what videos do is the finding.

    Writes tsne-MODEL.png and tsne.json (coordinates and measures) into --out, where features are kept too.

    \b
    python -m experiments.emotions tsne runs/clipvip/none test1k.json videos --model runs/clipvip/report
    """
    record = map_models((model, *others), records, videos, out, **options)
    try:
        write_atomically(out / RESULTS_FILE, json.dumps(record).encode())
    except OSError as error:
        raise AffectError(f"{to_printable(out)}: {describe_os_error(error)}") from error
    if as_json:
        click.echo(json.dumps({name: value for name, value in record.items() if name != "points"}))
        return
    click.echo("\n".join(format_record(record, out)))


def map_models(
    models: tuple[Path, ...], records: Path, videos: Path, out: Path, *, perplexity: float, neighbours: int,
    draws: int, affect: Path | None, frame_cache: Path | None, device: str, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Write the pictures; what tsne.json holds. Raises AffectError."""
    from experiments.emotion_retrieval.exploration.tsne_study import (
        describe_data,
        draw_models,
        encode_map_data,
        list_points,
        measure_models,
    )
    from experiments.statistics.provenance import describe_provenance

    data = encode_map_data(
        models, records, videos, affect=affect, frame_cache=frame_cache or out / "frames",
        feature_cache=out / "features", device=device,
    )  # fmt: skip
    purities = measure_models(data, neighbours=neighbours, draws=draws, seed=seed)
    points = draw_models(data, purities, out, perplexity=perplexity, seed=seed)
    return {
        "records": records.name, "perplexity": perplexity, "neighbours": neighbours, "draws": draws,
        "seed": seed, **describe_data(data, purities), "points": list_points(data, points),
        "provenance": describe_provenance("experiments.emotions", sys.argv[1:]),
    }  # fmt: skip


def format_record(record: dict[str, Any], out: Path) -> Iterator[str]:
    """Counts of labels, and the purity by model and kind as a table."""
    from experiments.emotion_retrieval.exploration.tsne_study import name_picture
    from experiments.statistics.markdown import format_markdown_table

    texts = ", ".join(f"{name} {count}" for name, count in record["texts"].items())
    yield f"texts: {texts}; {record['texts with a tie']} name several equally often"
    header = [f"{record['neighbours']} neighbours alike", "", "emotions", *list(record["texts"])]
    rows = []
    for model, kinds in record["purity"].items():
        for kind, by_label in kinds.items():
            rows.append([to_printable(model), kind, *(_format_purity(found) for found in by_label.values())])
    yield from format_markdown_table(header, rows)
    yield "purity (95 % interval over videos), by chance; * above 97.5 % of permuted labels"
    names = ", ".join(name_picture(name) for name in record["purity"])
    yield f"{to_printable(out)}: {names}, {RESULTS_FILE}"


def _format_purity(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return "-"
    interval = "" if found["low"] is None else f" ({found['low']:.2f} to {found['high']:.2f})"
    star = "*" if found["value"] > found["chance_high"] else ""
    return f"{found['value']:.2f}{star}{interval}, {found['chance']:.2f}"

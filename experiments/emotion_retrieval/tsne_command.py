"""`python -m experiments.emotions tsne`: features of texts and videos by emotion, drawn and measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from encoders import AffectError, Rows, describe_os_error, to_printable, write_atomically

if TYPE_CHECKING:
    from experiments.emotion_retrieval.caption_queries import CaptionQueries

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
    from experiments.emotion_retrieval.affect_table import read_affect
    from experiments.emotion_retrieval.caption_queries import read_captions
    from experiments.emotion_retrieval.devices import select_device
    from experiments.emotion_retrieval.emotion_clusters import count_labels, measure_purities
    from experiments.emotion_retrieval.model_features import encode_models, name_models
    from experiments.statistics.provenance import describe_provenance

    table = read_affect(affect) if affect else None
    stored = name_models(models, table)
    if len({one.config.clip["projection_dim"] for one in stored.values()}) > 1:
        raise AffectError("models whose features differ in width can't be in one map; map them one by one")
    queries = read_captions(records)
    encoded = encode_models(
        stored, queries, videos, frame_cache=frame_cache or out / "frames", feature_cache=out / "features",
        affect=table, device=select_device(device), bfloat16=False,
    )  # fmt: skip
    rows = {name: (texts, media) for name, (texts, media, _) in encoded.items()}
    gallery = next(iter(encoded.values()))[2]
    labelled = label_queries(queries, gallery)
    purities = {
        name: measure_purities(*pair, labelled, neighbours=neighbours, draws=draws, seed=seed)
        for name, pair in rows.items()
    }
    points = _embed_and_draw(rows, labelled, purities, out, perplexity, seed)
    text_labels, video_labels = labelled.labels
    return {
        "records": records.name, "perplexity": perplexity, "neighbours": neighbours, "draws": draws,
        "seed": seed, "texts": count_labels(text_labels), "videos": count_labels(video_labels),
        "texts with a tie": labelled.tied,
        "purity": {
            name: {kind: {one: asdict(found) for one, found in by_label.items()}
                   for kind, by_label in by_kind.items()}
            for name, by_kind in purities.items()
        },
        "points": _list_points(points, queries, gallery, text_labels, video_labels),
        "weights": {name: one.sha256 for name, one in stored.items()},
        "provenance": describe_provenance("experiments.emotions", sys.argv[1:]),
    }  # fmt: skip


def label_queries(queries: CaptionQueries, gallery: tuple[str, ...]) -> Any:
    """The emotions of captions, with the number of each one's video in the gallery."""
    import numpy as np

    from experiments.emotion_retrieval.emotion_clusters import LabelledSet

    number_by_id = {video: number for number, video in enumerate(gallery)}
    return LabelledSet(
        emotions=queries.emotions,
        item_by_text=np.array([number_by_id[video] for video in queries.video_ids], np.int64),
        videos=len(gallery),
    )


def _embed_and_draw(
    rows: dict[str, tuple[Rows, Rows]], labelled: Any, purities: dict[str, Any], out: Path, perplexity: float,
    seed: int,
) -> dict[str, tuple[Any, Any]]:  # fmt: skip
    """By model the points of texts and videos, drawn on the same axes."""
    import numpy as np

    from experiments.emotion_retrieval.emotion_clusters import TOGETHER
    from experiments.emotion_retrieval.tsne_map import draw_map, embed
    from retrieval.progress_reporter import ProgressReporter

    parts = [part for pair in rows.values() for part in pair]
    with ProgressReporter("emotions") as report:
        report.update("t-SNE", 0)
        embedded = embed(np.concatenate(parts), perplexity=perplexity, seed=seed)
    split = iter(np.split(embedded, np.cumsum([len(part) for part in parts])[:-1]))
    points = {name: (next(split), next(split)) for name in rows}
    low, high = embedded.min(axis=0), embedded.max(axis=0)
    margin = 0.03 * (high - low)
    limits = tuple(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))
    for name, (texts, media) in points.items():
        picture = draw_map(
            texts, media, *labelled.labels, limits=(limits[0], limits[1]),
            title=f"{name}: t-SNE of texts and videos, perplexity {perplexity:g}, seed {seed}",
            purities=purities[name][TOGETHER],
        )  # fmt: skip
        try:
            write_atomically(out / _name_picture(name), picture)
        except OSError as error:
            raise AffectError(f"{to_printable(out)}: {describe_os_error(error)}") from error
    return points


def _name_picture(model: str) -> str:
    return f"tsne-{model.strip('/').replace('/', '-')}.png"


def _list_points(
    points: dict[str, tuple[Any, Any]], queries: CaptionQueries, gallery: tuple[str, ...], text_labels: Any,
    video_labels: Any,
) -> dict[str, dict[str, list[dict[str, Any]]]]:  # fmt: skip
    """By model and kind: id, label, x and y of each point."""
    from experiments.emotion_retrieval.emotion_clusters import LABELS, TEXT, VIDEO

    def describe(ids: tuple[str, ...], labels: Any, places: Any) -> list[dict[str, Any]]:
        return [
            {"id": name, "label": LABELS[label], "x": round(x, 4), "y": round(y, 4)}
            for name, label, (x, y) in zip(ids, labels, places.tolist(), strict=True)
        ]

    return {
        name: {
            TEXT: describe(queries.caption_ids, text_labels, texts),
            VIDEO: describe(gallery, video_labels, media),
        }
        for name, (texts, media) in points.items()
    }


def format_record(record: dict[str, Any], out: Path) -> Iterator[str]:
    """Counts of labels, and the purity by model and kind as a table."""
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
    names = ", ".join(_name_picture(name) for name in record["purity"])
    yield f"{to_printable(out)}: {names}, {RESULTS_FILE}"


def _format_purity(found: dict[str, Any]) -> str:
    if found["value"] is None:
        return "-"
    interval = "" if found["low"] is None else f" ({found['low']:.2f} to {found['high']:.2f})"
    star = "*" if found["value"] > found["chance_high"] else ""
    return f"{found['value']:.2f}{star}{interval}, {found['chance']:.2f}"

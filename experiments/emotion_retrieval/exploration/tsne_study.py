"""Features of captions and videos by one or more models: measured by emotion, and drawn in one t-SNE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoders import AffectError, Rows, describe_os_error, to_printable, write_atomically
from experiments.emotion_retrieval.comparison.model_features import encode_models, name_models
from experiments.emotion_retrieval.data.affect_table import read_affect
from experiments.emotion_retrieval.data.caption_queries import CaptionQueries, read_captions
from experiments.emotion_retrieval.exploration.emotion_clusters import (
    LABELS,
    TEXT,
    TOGETHER,
    VIDEO,
    Ints,
    LabelledSet,
    Purity,
    count_labels,
    measure_purities,
)
from experiments.emotion_retrieval.exploration.tsne_map import Points, draw_map, embed
from experiments.emotion_retrieval.training.devices import select_device
from retrieval.progress_reporter import ProgressReporter

Purities = Mapping[str, Mapping[str, Mapping[str, Purity]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class MapData:
    """Captions, the ids of their videos, and by model unit rows of both (captions, d), (videos, d).

    weights: digest of each model's weights
    """

    queries: CaptionQueries
    gallery: tuple[str, ...]
    rows: Mapping[str, tuple[Rows, Rows]]
    weights: Mapping[str, str]

    @property
    def labelled(self) -> LabelledSet:
        """The captions' emotions with the number of each one's video in the gallery."""
        number_by_id = {video: number for number, video in enumerate(self.gallery)}
        return LabelledSet(
            emotions=self.queries.emotions,
            item_by_text=np.array([number_by_id[video] for video in self.queries.video_ids], np.int64),
            videos=len(self.gallery),
        )


def encode_map_data(
    models: Sequence[Path], records: Path, videos: Path, *, affect: Path | None, frame_cache: Path,
    feature_cache: Path, device: str,
) -> MapData:  # fmt: skip
    """Read and encode what is mapped. Raises AffectError, before it encodes as far as can be told."""
    table = read_affect(affect) if affect else None
    stored = name_models(models, table)
    if len({one.config.clip["projection_dim"] for one in stored.values()}) > 1:
        raise AffectError("models whose features differ in width can't be in one map; map them one by one")
    queries = read_captions(records)
    encoded = encode_models(
        stored, queries, videos, frame_cache=frame_cache, feature_cache=feature_cache, affect=table,
        device=select_device(device), bfloat16=False,
    )  # fmt: skip
    return MapData(
        queries=queries,
        gallery=next(iter(encoded.values()))[2],
        rows={name: (texts, media) for name, (texts, media, _) in encoded.items()},
        weights={name: one.sha256 for name, one in stored.items()},
    )


def measure_models(data: MapData, *, neighbours: int, draws: int, seed: int) -> Purities:
    """By model, what `measure_purities` tells."""
    purities = {}
    with ProgressReporter("emotions", unit="models") as report:
        for number, (name, (texts, videos)) in enumerate(data.rows.items()):
            report.update("permuting labels", number, len(data.rows))
            purities[name] = measure_purities(
                texts, videos, data.labelled, neighbours=neighbours, draws=draws, seed=seed
            )
    return purities


def draw_models(
    data: MapData, purities: Purities, out: Path, *, perplexity: float, seed: int
) -> dict[str, tuple[Points, Points]]:
    """By model the points of texts and of videos, of which a picture each is written, on the same axes."""
    parts = [part for pair in data.rows.values() for part in pair]
    with ProgressReporter("emotions") as report:
        report.update("t-SNE", 0)
        embedded = embed(np.concatenate(parts), perplexity=perplexity, seed=seed)
    split = iter(np.split(embedded, np.cumsum([len(part) for part in parts])[:-1]))
    points = {name: (next(split), next(split)) for name in data.rows}
    margin = 0.03 * np.ptp(embedded, axis=0)
    low, high = (embedded.min(axis=0) - margin).tolist(), (embedded.max(axis=0) + margin).tolist()
    for name, (texts, videos) in points.items():
        picture = draw_map(
            texts, videos, *data.labelled.labels, limits=((low[0], high[0]), (low[1], high[1])),
            title=f"{name}: t-SNE of texts and videos, perplexity {perplexity:g}, seed {seed}",
            purities=purities[name][TOGETHER],
        )  # fmt: skip
        try:
            write_atomically(out / name_picture(name), picture)
        except OSError as error:
            raise AffectError(f"{to_printable(out)}: {describe_os_error(error)}") from error
    return points


def name_picture(model: str) -> str:
    """The file name of a model's picture."""
    return f"tsne-{model.strip('/').replace('/', '-')}.png"


def describe_data(data: MapData, purities: Purities) -> dict[str, Any]:
    """Counts of labels, purities and weights, for JSON."""
    text_labels, video_labels = data.labelled.labels
    return {
        "texts": count_labels(text_labels), "videos": count_labels(video_labels),
        "texts with a tie": data.labelled.tied,
        "purity": {
            name: {
                kind: {label: asdict(found) for label, found in by_label.items()}
                for kind, by_label in by_kind.items()
            }
            for name, by_kind in purities.items()
        },
        "weights": dict(data.weights),
    }  # fmt: skip


def list_points(
    data: MapData, points: Mapping[str, tuple[Points, Points]]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By model and kind: id, label, x and y of each point."""
    text_labels, video_labels = data.labelled.labels
    return {
        name: {
            TEXT: _describe_points(data.queries.caption_ids, text_labels, texts),
            VIDEO: _describe_points(data.gallery, video_labels, videos),
        }
        for name, (texts, videos) in points.items()
    }


def _describe_points(ids: Sequence[str], labels: Ints, points: Points) -> list[dict[str, Any]]:
    return [
        {"id": name, "label": LABELS[label], "x": round(x, 4), "y": round(y, 4)}
        for name, label, (x, y) in zip(ids, labels.tolist(), points.tolist(), strict=True)
    ]

"""Recall of every variant on all queries, on those that name an emotion and on those that don't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from experiments.emotion_retrieval.caption_videos import CaptionVideos, CaptionVideoSplits
from experiments.emotion_retrieval.stand_in_model import StandInModel
from experiments.emotion_retrieval.stand_in_training import train_baseline, train_variant
from experiments.emotion_retrieval.variants import BASELINE, Variant
from retrieval.evaluation import DirectionResult, InnerProductSimilarity, evaluate

QUERY_SETS = ("all", "with emotion", "without emotion")
REPORTED_METRICS = ("R@1", "R@10", "MnR")


@dataclass(frozen=True, kw_only=True, eq=False)
class VariantResult:
    """Text-to-video metrics of a variant under one seed.

    metrics: by query set, the value of each metric
    hits:    by query set, (videos,) hits at rank one, whose mean is R@1; queries of one video belong together
    """

    variant: str
    seed: int
    metrics: Mapping[str, Mapping[str, float]]
    hits: Mapping[str, npt.NDArray[np.float64]]


def run_harm_study(
    splits: CaptionVideoSplits,
    variants: Sequence[Variant],
    *,
    seeds: Sequence[int],
    checkpoint_folder: Path | None = None,
    on_variant: Callable[[str], None] = lambda name: None,
) -> list[VariantResult]:
    """Train the baseline under each seed and every variant from it, and evaluate them on the test videos."""
    results = []
    for seed in seeds:
        checkpoint = checkpoint_folder / f"baseline-{seed}.safetensors" if checkpoint_folder else None
        on_variant(f"{BASELINE}, seed {seed}")
        baseline = train_baseline(splits, seed=seed, checkpoint=checkpoint)
        for variant in variants:
            on_variant(f"{variant.name}, seed {seed}")
            model = train_variant(baseline, variant, splits, seed=seed)
            results.append(measure_variant(variant.name, evaluate_model(model, splits.test), seed))
    return results


def evaluate_model(model: StandInModel, videos: CaptionVideos) -> dict[str, DirectionResult]:
    """Text to video, by query set."""
    texts, media = model.encode(videos)
    owners = [videos.video_ids[item] for item in videos.item_by_text]
    direction = evaluate(InnerProductSimilarity(texts, media), owners, videos.video_ids).t2v
    ids = np.array(direction.query_ids)
    return {
        "all": direction,
        "with emotion": direction.select_queries(ids[videos.has_emotion].tolist()),
        "without emotion": direction.select_queries(ids[~videos.has_emotion].tolist()),
    }


def measure_variant(name: str, directions: Mapping[str, DirectionResult], seed: int) -> VariantResult:
    """The metrics and hits of a variant, by query set."""
    return VariantResult(
        variant=name,
        seed=seed,
        metrics={
            query_set: {metric: direction.compute_metric(metric) for metric in REPORTED_METRICS}
            for query_set, direction in directions.items()
        },
        hits={query_set: _weigh_hits(direction) for query_set, direction in directions.items()},
    )


def _weigh_hits(direction: DirectionResult) -> npt.NDArray[np.float64]:
    """(videos,) hits of each video's queries, weighted so that their mean is the share of all queries."""
    _, number = np.unique(np.array(direction.groups), return_inverse=True)
    sums = np.bincount(number, direction.compute_hits(1))
    return np.asarray(sums * len(sums) / len(number))

"""Recall of every variant on all queries, on those that name an emotion and on those that don't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.emotion_retrieval.caption_videos import CaptionVideos, CaptionVideoSplits
from experiments.emotion_retrieval.stand_in_model import StandInModel
from experiments.emotion_retrieval.stand_in_training import train_baseline, train_variant
from experiments.emotion_retrieval.variants import BASELINE, Variant
from retrieval.evaluation import Difference, DirectionResult, Estimate, InnerProductSimilarity, evaluate

QUERY_SETS = ("all", "with emotion", "without emotion")
REPORTED_METRICS = ("R@1", "R@10", "MnR")


@dataclass(frozen=True, kw_only=True)
class VariantResult:
    """Text-to-video metrics of a variant under one seed.

    estimates: by query set and metric
    differences: of R@1 from the baseline's, paired, by query set; empty for the baseline itself
    """

    variant: str
    seed: int
    estimates: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, Difference]


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
        reference = evaluate_model(baseline, splits.test)
        for variant in variants:
            on_variant(f"{variant.name}, seed {seed}")
            model = train_variant(baseline, variant, splits, seed=seed)
            directions = evaluate_model(model, splits.test)
            results.append(compare_variant(variant, directions, reference, seed))
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


def compare_variant(
    variant: Variant,
    directions: Mapping[str, DirectionResult],
    reference: Mapping[str, DirectionResult],
    seed: int,
) -> VariantResult:
    """Metrics with their intervals, and the paired difference of R@1 from the baseline."""
    estimates = {
        name: {
            metric: Estimate(direction.compute_metric(metric), *direction.compute_interval(metric, seed=seed))
            for metric in REPORTED_METRICS
        }
        for name, direction in directions.items()
    }
    differences = {
        name: direction.compare_with(reference[name], "R@1", seed=seed)
        for name, direction in directions.items()
        if variant.name != BASELINE
    }
    return VariantResult(variant=variant.name, seed=seed, estimates=estimates, differences=differences)

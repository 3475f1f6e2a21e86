"""Trained models on one test set: metrics by rule, query set and direction, and differences of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import softmax

from encoders import Rows
from experiments.emotion_retrieval.caption_queries import CaptionQueries
from retrieval.evaluation import (
    PUBLISHED_PROTOCOLS,
    DenseSimilarity,
    DirectionResult,
    Estimate,
    EvaluationProtocol,
    InnerProductSimilarity,
    Similarity,
    evaluate,
)
from retrieval.evaluation.rules import DEFAULT_PROTOCOL

METRICS = ("R@1", "R@5", "R@10", "MdR", "MnR")
OWN_RULES = "project"
RULES: dict[str, EvaluationProtocol] = {
    OWN_RULES: DEFAULT_PROTOCOL,
    **{name: PUBLISHED_PROTOCOLS[name] for name in ("clip-vip", "emotion-report")},
}
DSL_SCALE = 100.0  # of similarities in the softmax, in CLIP-ViP's code

ByQuerySet = dict[str, dict[str, DirectionResult]]


def make_similarity(texts: Rows, videos: Rows, *, dsl: bool) -> Similarity:
    """Cosines (texts, videos) of unit rows; with `dsl`, times their softmax over the texts.

    The dual softmax (Cheng et al. 2021) uses all queries at once, which a search engine can't.
    """
    if not dsl:
        return InnerProductSimilarity(texts, videos)
    cosines = texts.astype(np.float64) @ videos.T
    return DenseSimilarity(cosines * softmax(DSL_SCALE * cosines, axis=0))


def evaluate_model(
    texts: Rows, videos: Rows, queries: CaptionQueries, gallery: tuple[str, ...], *, dsl: bool = False
) -> dict[str, ByQuerySet]:
    """By rule, query set and direction, the results of a model's unit rows (captions, d) and (videos, d)."""
    similarity = make_similarity(texts, videos, dsl=dsl)
    return {
        rule: queries.select_directions(
            evaluate(
                similarity, queries.video_ids, gallery, caption_ids=queries.caption_ids,
                protocol=replace(protocol, post="DSL" if dsl else None),
            )
        )
        for rule, protocol in RULES.items()
    }  # fmt: skip


def summarise_model(results: Mapping[str, ByQuerySet], *, seed: int) -> dict[str, Any]:
    """By rule, query set, direction and metric: value and 95 % interval, for JSON."""
    return {
        rule: {
            query_set: {
                direction: {
                    metric: Estimate(
                        result.compute_metric(metric), *result.compute_interval(metric, seed=seed)
                    ).to_json()
                    for metric in METRICS
                }
                for direction, result in directions.items()
            }
            for query_set, directions in by_set.items()
        }
        for rule, by_set in results.items()
    }


def compare_models(
    model: Mapping[str, ByQuerySet], baseline: Mapping[str, ByQuerySet], *, seed: int
) -> dict[str, Any]:
    """By query set, direction and metric: model less baseline over the same queries, by the project's rules.

    The published rules count tied places several times, so that queries can't be paired.
    """
    return {
        query_set: {
            direction: {
                metric: result.compare_with(
                    baseline[OWN_RULES][query_set][direction], metric, seed=seed
                ).to_json()
                for metric in METRICS
            }
            for direction, result in directions.items()
        }
        for query_set, directions in model[OWN_RULES].items()
    }


def count_queries(results: ByQuerySet) -> dict[str, dict[str, int]]:
    """By query set and direction, the number of queries."""
    return {
        query_set: {direction: len(result.query_ids) for direction, result in directions.items()}
        for query_set, directions in results.items()
    }

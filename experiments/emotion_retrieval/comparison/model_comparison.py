"""Trained models on one test set: metrics by rule, query set and direction, and differences of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from encoders import Rows
from experiments.emotion_retrieval.data.caption_queries import CaptionQueries
from retrieval.evaluation import (
    PUBLISHED_PROTOCOLS,
    DenseSimilarity,
    DirectionResult,
    Estimate,
    EvaluationProtocol,
    InnerProductSimilarity,
    Similarity,
    bootstrap_interval,
    compare_paired,
    evaluate,
)
from retrieval.evaluation.rules import DEFAULT_PROTOCOL, parse_recall_depth

METRICS = ("R@1", "R@5", "R@10", "MdR", "MnR")
COMPARED_METRICS = ("R@1", "R@5", "R@10", "MnR")  # means over queries
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
    """By name of the rules, query set and direction, the results of unit rows (captions, d) and (videos, d).

    Names of equal rules share their results.
    """
    similarity = make_similarity(texts, videos, dsl=dsl)
    by_protocol = {
        protocol: queries.select_directions(
            evaluate(
                similarity, queries.video_ids, gallery, caption_ids=queries.caption_ids,
                protocol=replace(protocol, post="DSL" if dsl else None),
            )
        )
        for protocol in set(RULES.values())
    }  # fmt: skip
    return {rule: by_protocol[protocol] for rule, protocol in RULES.items()}


def describe_results(
    results: Mapping[str, Mapping[str, ByQuerySet]], *, seed: int, draws: int = 2000
) -> dict[str, Any]:
    """Counts of queries, metrics of every model, and differences of the others from the first, for JSON."""
    baseline = next(iter(results.values()))
    return {
        "query sets": count_queries(baseline[OWN_RULES]),
        "models": {
            name: {"rules": summarise_model(result, seed=seed, draws=draws)}
            for name, result in results.items()
        },
        "differences": {
            name: compare_models(result, baseline, seed=seed, draws=draws)
            for name, result in results.items()
            if result is not baseline
        },
    }


def summarise_model(results: Mapping[str, ByQuerySet], *, seed: int, draws: int = 2000) -> dict[str, Any]:
    """By rules, query set, direction and metric: value and 95 % interval, for JSON."""
    summaries: dict[int, Any] = {}  # by the identity of the results, which names share
    for by_set in results.values():
        if id(by_set) not in summaries:
            summaries[id(by_set)] = {
                query_set: {
                    direction: {
                        metric: estimate_metric(result, metric, seed=seed, draws=draws).to_json()
                        for metric in METRICS
                    }
                    for direction, result in directions.items()
                }
                for query_set, directions in by_set.items()
            }
    return {rule: summaries[id(by_set)] for rule, by_set in results.items()}


def estimate_metric(result: DirectionResult, metric: str, *, seed: int, draws: int = 2000) -> Estimate:
    """One of METRICS with its 95 % interval; queries of a video are taken together."""
    value = result.compute_metric(metric)
    if metric != "MnR":
        return Estimate(value, *result.compute_interval(metric, seed=seed, draws=draws))
    groups = np.asarray(result.groups)[result.rank_counts.list_query_indices(result.protocol.ties)]
    return Estimate(value, *bootstrap_interval(result.ranks + 1, seed=seed, draws=draws, groups=groups))


def compare_models(
    model: Mapping[str, ByQuerySet], baseline: Mapping[str, ByQuerySet], *, seed: int, draws: int = 2000
) -> dict[str, Any]:
    """By query set, direction and metric: model less baseline over the same queries, by the project's rules.

    The published rules count tied places several times, so that queries can't be paired.
    """
    return {
        query_set: {
            direction: {
                metric: compare_paired(
                    list_values(result, metric),
                    list_values(baseline[OWN_RULES][query_set][direction], metric),
                    seed=seed, draws=draws, groups=result.groups,
                ).to_json()
                for metric in COMPARED_METRICS
            }
            for direction, result in directions.items()
        }
        for query_set, directions in model[OWN_RULES].items()
    }  # fmt: skip


def list_values(result: DirectionResult, metric: str) -> npt.NDArray[np.float64]:
    """(q,) the values by query whose mean is one of COMPARED_METRICS."""
    depth = parse_recall_depth(metric)
    return result.ranks + 1 if depth is None else 100 * result.compute_hits(depth)


def count_queries(results: ByQuerySet) -> dict[str, dict[str, int]]:
    """By query set and direction, the number of queries."""
    return {
        query_set: {direction: len(result.query_ids) for direction, result in directions.items()}
        for query_set, directions in results.items()
    }

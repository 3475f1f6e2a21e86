"""Ranks and what is told of them. The rules that papers leave unsaid are arguments with names.

Metrics take ranks, never similarities, so that the rule for ties is chosen in one place. This is the front
door of `retrieval.evaluation`: ranks in `standing`, both directions of a benchmark in `benchmark`, captions
and their masks in `captions`, intervals and tests in `resampling`, affect in `affect`.
"""

from __future__ import annotations

from retrieval.evaluation.affect_metrics import (
    AffectFit,
    ccc,
    compute_affect_fit,
    ndcg,
    rank_items,
    pearson,
    average_by_label,
    rmse,
)
from retrieval.evaluation.benchmark import DirectionResult, Evaluation, summarise_runs, evaluate
from retrieval.evaluation.captions import draw_caption_masks, make_caption_mask, group_captions_by_item
from retrieval.evaluation.rank_counts import RankCounts, compute_ranks, compute_ranks_from_embeddings, count_ranks
from retrieval.evaluation.rank_metrics import (
    first_hit_reciprocal_ranks,
    geometric_mean_recall,
    mean_rank,
    median_rank,
    precision_at,
    recall_at,
    reciprocal_ranks,
)
from retrieval.evaluation.resampling import Difference, bootstrap_interval, compare_paired, permutation_p_value
from retrieval.evaluation.rules import PUBLISHED_PROTOCOLS, METRICS, EvaluationProtocol
from retrieval.evaluation.similarity_blocks import DenseSimilarity, InnerProductSimilarity, Similarity

__all__ = [
    "PUBLISHED_PROTOCOLS",
    "METRICS",
    "Difference",
    "DirectionResult",
    "Evaluation",
    "DenseSimilarity",
    "AffectFit",
    "InnerProductSimilarity",
    "EvaluationProtocol",
    "RankCounts",
    "Similarity",
    "summarise_runs",
    "bootstrap_interval",
    "draw_caption_masks",
    "make_caption_mask",
    "group_captions_by_item",
    "ccc",
    "compare_paired",
    "evaluate",
    "first_hit_reciprocal_ranks",
    "geometric_mean_recall",
    "mean_rank",
    "median_rank",
    "compute_affect_fit",
    "ndcg",
    "rank_items",
    "pearson",
    "average_by_label",
    "permutation_p_value",
    "precision_at",
    "compute_ranks",
    "compute_ranks_from_embeddings",
    "recall_at",
    "reciprocal_ranks",
    "rmse",
    "count_ranks",
]

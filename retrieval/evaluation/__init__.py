"""Evaluation of retrieval and affect; rules that papers leave open are named arguments.

The rule for ties is chosen in one place: ranks and hits in `rank_counts`, rules with their numbers in
`rules`, lists with ties in `tied_metrics`, both directions of a benchmark in `benchmark`, captions and their
masks in `captions`. Intervals of proportions in `proportion_interval`, of their sums in
`composite_intervals`, of other statistics and tests in `resampling`, PROTEST in `permutation_tests`; affect
in `affect_metrics`.
"""

from __future__ import annotations

from retrieval.evaluation.affect_metrics import (
    AffectFit,
    average_by_label,
    ccc,
    compute_affect_fit,
    ndcg,
    pearson,
    rank_items,
    rmse,
)
from retrieval.evaluation.benchmark import Evaluation, evaluate, summarise_runs
from retrieval.evaluation.captions import draw_caption_masks, group_captions_by_item, make_caption_mask
from retrieval.evaluation.composite_intervals import compute_geometric_mean_interval, compute_sum_interval
from retrieval.evaluation.direction_result import DirectionResult
from retrieval.evaluation.estimate import Estimate, format_number
from retrieval.evaluation.permutation_tests import ProtestResult, protest
from retrieval.evaluation.proportion_interval import compute_proportion_interval, estimate_percentage
from retrieval.evaluation.rank_counts import (
    RankCounts,
    compute_ranks,
    compute_ranks_from_embeddings,
    count_ranks,
)
from retrieval.evaluation.rank_metrics import (
    first_hit_reciprocal_ranks,
    geometric_mean_recall,
    mean_rank,
    median_rank,
    precision_at,
    recall_at,
    reciprocal_ranks,
)
from retrieval.evaluation.resampling import (
    Difference,
    bootstrap_estimate,
    bootstrap_interval,
    compare_paired,
    permutation_p_value,
)
from retrieval.evaluation.rules import METRICS, PUBLISHED_PROTOCOLS, EvaluationProtocol
from retrieval.evaluation.similarity_blocks import DenseSimilarity, InnerProductSimilarity, Similarity
from retrieval.evaluation.splits import make_group_folds, split_by_group
from retrieval.evaluation.tied_metrics import (
    compute_expected_average_precisions,
    compute_expected_first_hit_reciprocal_ranks,
    compute_expected_ndcg,
    compute_expected_precision,
)

__all__ = [
    "METRICS",
    "PUBLISHED_PROTOCOLS",
    "AffectFit",
    "DenseSimilarity",
    "Difference",
    "DirectionResult",
    "Estimate",
    "Evaluation",
    "EvaluationProtocol",
    "InnerProductSimilarity",
    "ProtestResult",
    "RankCounts",
    "Similarity",
    "average_by_label",
    "bootstrap_estimate",
    "bootstrap_interval",
    "ccc",
    "compare_paired",
    "compute_affect_fit",
    "compute_expected_average_precisions",
    "compute_expected_first_hit_reciprocal_ranks",
    "compute_expected_ndcg",
    "compute_expected_precision",
    "compute_geometric_mean_interval",
    "compute_proportion_interval",
    "compute_ranks",
    "compute_ranks_from_embeddings",
    "compute_sum_interval",
    "count_ranks",
    "draw_caption_masks",
    "estimate_percentage",
    "evaluate",
    "first_hit_reciprocal_ranks",
    "format_number",
    "geometric_mean_recall",
    "group_captions_by_item",
    "make_caption_mask",
    "make_group_folds",
    "mean_rank",
    "median_rank",
    "ndcg",
    "pearson",
    "permutation_p_value",
    "precision_at",
    "protest",
    "rank_items",
    "recall_at",
    "reciprocal_ranks",
    "rmse",
    "split_by_group",
    "summarise_runs",
]

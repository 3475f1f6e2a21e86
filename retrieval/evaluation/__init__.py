"""Ranks and what is told of them. The rules that papers leave unsaid are arguments with names.

Metrics take ranks, never similarities, so that the rule for ties is chosen in one place. This is the front
door of `retrieval.evaluation`: ranks in `standing`, both directions of a benchmark in `benchmark`, captions
and their masks in `captions`, intervals and tests in `resampling`, affect in `affect`.
"""

from __future__ import annotations

from retrieval.evaluation.affect_metrics import (
    MoodFit,
    ccc,
    mood_fit,
    ndcg,
    ordered,
    pearson,
    per_label,
    rmse,
)
from retrieval.evaluation.benchmark import Direction, Evaluation, across, evaluate
from retrieval.evaluation.captions import caption_draws, caption_mask, captions_by_item
from retrieval.evaluation.rank_counts import Standing, ranks, ranks_from_rows, standing
from retrieval.evaluation.rank_metrics import (
    first_hits,
    geometric,
    mean_rank,
    median_rank,
    precision_at,
    recall,
    reciprocal_ranks,
)
from retrieval.evaluation.resampling import Difference, bootstrap_interval, compare, permutation_p
from retrieval.evaluation.rules import HABITS, MEASURES, Rules
from retrieval.evaluation.similarity_blocks import Matrix, Product, Table

__all__ = [
    "HABITS",
    "MEASURES",
    "Difference",
    "Direction",
    "Evaluation",
    "Matrix",
    "MoodFit",
    "Product",
    "Rules",
    "Standing",
    "Table",
    "across",
    "bootstrap_interval",
    "caption_draws",
    "caption_mask",
    "captions_by_item",
    "ccc",
    "compare",
    "evaluate",
    "first_hits",
    "geometric",
    "mean_rank",
    "median_rank",
    "mood_fit",
    "ndcg",
    "ordered",
    "pearson",
    "per_label",
    "permutation_p",
    "precision_at",
    "ranks",
    "ranks_from_rows",
    "recall",
    "reciprocal_ranks",
    "rmse",
    "standing",
]

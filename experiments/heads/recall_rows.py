"""Recall of trained heads on held-out folds, beside simpler methods, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.evaluation import Evaluation, estimate_percentage, evaluate
from retrieval.training import FittedHeads, TrainingData
from retrieval.training.cross_validation import HeldOutFold
from spaces.joint import TEXT_ROLE, fit_ridge_tower_pair

RECALL_DEPTHS = (1, 5, 10)
DIRECTION_TITLES = {"t2v": "text to item", "v2t": "item to text"}

MetricRow = dict[str, Any]
Similarity = npt.NDArray[Any]  # (texts, items)


def compute_recall_rows(
    training_data: TrainingData, fitted: FittedHeads, base_name: str = "untrained"
) -> Iterator[MetricRow]:
    """Recall on the held-out folds, in both directions: untrained, ridge, the heads alone, those
    for items that lack a role that may be missing, and the heads as used.

    base_name: of the row of the space that the heads are blended with
    """
    for method, similarities in _compute_similarities(training_data, fitted, base_name).items():
        evaluations = [
            evaluate_fold(training_data, fold, np.asarray(similarity, np.float32))
            for fold, similarity in zip(fitted.held_out_folds, similarities, strict=True)
        ]
        for direction, title in DIRECTION_TITLES.items():
            recalls = _compute_recalls(training_data, evaluations, direction)
            yield {"what": title, "way": method, **recalls}


def _compute_similarities(
    training_data: TrainingData, fitted: FittedHeads, base_name: str
) -> dict[str, list[Similarity]]:
    """By method, a matrix a fold; without the untrained space and the blend with it where there is none."""
    folds, weight = fitted.held_out_folds, fitted.heads.zero_shot_weight
    similarities: dict[str, list[Any]] = {
        base_name: [fold.zero_shot_similarity for fold in folds],
        "ridge": [_compute_ridge_similarity(training_data, fold) for fold in folds],
        "heads": [fold.trained_similarity for fold in folds],
        **{
            f"heads without {role}": [fold.compute_similarity_without(role) for fold in folds]
            for role in folds[0].partial_similarities
        },
        "as used": list(fitted.held_out_similarities) if weight else [None],
    }
    return {method: matrices for method, matrices in similarities.items() if matrices[0] is not None}


def _compute_ridge_similarity(training_data: TrainingData, fold: HeldOutFold) -> Similarity:
    """Cosines (texts, items) of ridge, fitted on the other items without augmentation."""
    rest = np.setdiff1d(np.arange(training_data.training_set.item_count), fold.item_indices)
    plain = replace(training_data.training_set, features=training_data.training_set.first_views)
    towers = fit_ridge_tower_pair(plain.select_items(rest))
    text_rows = towers.text({TEXT_ROLE: plain.sentence_vectors[fold.text_indices]})
    return np.asarray(text_rows @ towers.media(plain.select_items(fold.item_indices).features).T)


def evaluate_fold(training_data: TrainingData, fold: HeldOutFold, similarity: Similarity) -> Evaluation:
    """Both directions within one fold, by the protocol's rules."""
    item_by_text = training_data.training_set.item_by_text
    return evaluate(
        similarity,
        [str(item_by_text[text]) for text in fold.text_indices],
        [str(item) for item in fold.item_indices],
    )


def _compute_recalls(
    training_data: TrainingData, evaluations: Sequence[Evaluation], direction: str
) -> MetricRow:
    """R@k over all folds, in percent, with intervals over whole groups and all their texts."""
    results = [getattr(evaluation, direction) for evaluation in evaluations]
    items = np.concatenate([np.asarray(result.groups, np.int64) for result in results])
    groups = np.asarray(training_data.groups)[items]
    row: MetricRow = {}
    for depth in RECALL_DEPTHS:
        hits = np.concatenate([result.compute_hits(depth) for result in results])
        row[f"R@{depth}"] = estimate_percentage(hits, groups)
    return {**row, "of": round(len(groups) / len(evaluations))}

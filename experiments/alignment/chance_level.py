"""Precision and nDCG of held-out targets in random order, in expectation."""

from __future__ import annotations

import numpy as np

from experiments.alignment.folds import FoldedPairs
from experiments.alignment.study_config import NDCG_DEPTH


def compute_chance_precision(data: FoldedPairs) -> float | None:
    """P@k, for any k, of the fold's targets in random order, the row's own pair among them.

    None without emotion labels.
    """
    labels = data.pairs.emotions
    if labels is None or not (labels[data.pair_rows] != "").any():
        return None
    shares = []
    for fold in data.folds:
        fold_labels = labels[fold.held_out_rows]
        shares += [float((fold_labels == label).mean()) for label in fold_labels[fold_labels != ""]]
    return float(np.mean(shares))


def compute_random_ndcg(data: FoldedPairs) -> float | None:
    """nDCG of the fold's targets in random order, in which every rank has the mean gain; None without affect.

    The gain is exp(-distance) of valence and arousal.
    """
    if data.affect is None:
        return None
    ratios = []
    for index in range(len(data.folds)):
        affect = data.affect[data.fold_ids == index]
        distances = np.sqrt(((affect[:, None] - affect[None]) ** 2).sum(axis=2))
        depth = min(NDCG_DEPTH, len(affect))
        discount = 1 / np.log2(np.arange(depth) + 2)
        ideal = np.exp(-np.sort(distances, axis=1)[:, :depth]) @ discount
        ratios.append(np.exp(-distances).mean(axis=1) * discount.sum() / ideal)
    return float(np.concatenate(ratios).mean())

"""Baselines without a trained space: zero-shot, and ridge regression to sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders import Rows, average_by_owner, is_missing_row, unit_rows
from experiments.ablation.fused_ranks import SplitEmbeddings, compute_rsum
from experiments.ablation.prepared_data import PreparedData
from retrieval.features import FeaturePipeline
from spaces import ZeroShotSpace

RIDGE_STRENGTHS = tuple(10.0**power for power in range(7))  # L2 penalties, chosen from on dev
ZERO_SHOT_WEIGHTS = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))  # in the fusion with a trained row

Floats = npt.NDArray[np.float64]


def supports_zero_shot(pipeline: FeaturePipeline | None, data: PreparedData) -> bool:
    """Whether the pipeline's object space is zero-shot, and the data has the features it needs."""
    return (
        pipeline is not None
        and "objects" in data.present_roles
        and isinstance(pipeline.spaces[0], ZeroShotSpace)
    )


def project_zero_shot(data: PreparedData, pipeline: FeaturePipeline) -> SplitEmbeddings:
    """Items and captions in the pipeline's untrained object space."""
    space = pipeline.spaces[0]
    items = space.project({"objects": data.features["objects"]})["words"]
    captions = space.project({"text": np.asarray(data.texts["sentence"], np.float32)})["words"]
    return _split_embeddings(data, items, captions)


def fit_ridge(data: PreparedData, roles: Sequence[str]) -> tuple[SplitEmbeddings, float]:
    """Embeddings by ridge regression from items' features to their mean caption, and its penalty.

    The penalty is the one with the best rsum on dev. Features are standardised on train, and missing ones
    replaced by the mean; items without any are missing. Sentence vectors are unit rows, centred on the
    training captions.
    """
    train = data.select_items("train")
    features = np.concatenate([_standardise(data.features[role], train) for role in roles], axis=1)
    is_missing = np.all([is_missing_row(data.features[role]) for role in roles], axis=0)
    sentences = unit_rows(np.asarray(data.texts["sentence"], np.float32)).astype(np.float64)
    captions = sentences - sentences[data.select_captions("train")].mean(0)
    targets = average_by_owner(captions, data.caption_items, len(is_missing))
    fitted = train[~is_missing[train] & ~np.isnan(targets[train]).any(1)]
    left, singular_values, right = np.linalg.svd(features[fitted], full_matrices=False)
    projected_targets = left.T @ targets[fitted]
    embeddings: dict[float, SplitEmbeddings] = {}
    for strength in RIDGE_STRENGTHS:
        shrinkage = singular_values / (singular_values**2 + strength)
        weights = right.T @ (shrinkage[:, None] * projected_targets)
        rows = np.where(is_missing[:, None], np.nan, features @ weights)
        embeddings[strength] = _split_embeddings(data, unit_rows(np.asarray(rows)), unit_rows(captions))
    best = max(RIDGE_STRENGTHS, key=lambda strength: compute_dev_rsum(embeddings[strength], data))
    return embeddings[best], best


def compute_dev_rsum(embeddings: SplitEmbeddings, data: PreparedData) -> float:
    """rsum on dev."""
    return compute_rsum(*embeddings["dev"], map_captions_to_items(data, "dev"))


def map_captions_to_items(data: PreparedData, split: str) -> npt.NDArray[np.int64]:
    """(c,) the number within the split of the item of each caption of a split."""
    index_by_item = np.full(len(data.item_splits), -1)
    index_by_item[data.select_items(split)] = np.arange(len(data.select_items(split)))
    return index_by_item[data.caption_items[data.select_captions(split)]]


def _split_embeddings(data: PreparedData, item_embeddings: Rows, caption_embeddings: Rows) -> SplitEmbeddings:
    return {
        split: (item_embeddings[data.select_items(split)], caption_embeddings[data.select_captions(split)])
        for split in ("dev", "test")
    }


def _standardise(features: Rows, train_rows: npt.NDArray[np.int64]) -> Floats:
    """Columns with mean 0 and variance 1 over train; 0 where missing."""
    mean, sd = np.nanmean(features[train_rows], axis=0), np.nanstd(features[train_rows], axis=0)
    return np.nan_to_num((features - mean) / np.maximum(sd, 1e-6)).astype(np.float64)

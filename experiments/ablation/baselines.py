"""What needs no training of ours, or next to none: zero-shot, and ridge regression to sentence vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from encoders.base import Rows, average_by_owner, is_missing_row, unit_rows
from experiments.ablation.fused_ranks import SplitEmbeddings, compute_rsum
from experiments.ablation.prepared_data import PreparedData
from retrieval.features.pipeline import FeaturePipeline
from spaces.zero_shot import ZeroShotSpace

RIDGE_STRENGTHS = tuple(10.0**power for power in range(7))  # of the ridge
ZERO_SHOT_WEIGHTS = tuple(
    round(0.1 * tenth, 1) for tenth in range(1, 10)
)  # of zero-shot beside a trained row

Floats = npt.NDArray[np.float64]


def supports_zero_shot(pipeline: FeaturePipeline | None, data: PreparedData) -> bool:
    """Whether the engine's own object space has labels that words can meet items through."""
    return (
        pipeline is not None
        and "objects" in data.present_roles
        and isinstance(pipeline.spaces[0], ZeroShotSpace)
    )


def project_zero_shot(data: PreparedData, pipeline: FeaturePipeline) -> SplitEmbeddings:
    """Items and captions in the engine's object space, untrained."""
    space = pipeline.spaces[0]
    items = space.project({"objects": data.features["objects"]})["words"]
    captions = space.project({"text": np.asarray(data.texts["sentence"], np.float32)})["words"]
    return _split_embeddings(data, items, captions)


def fit_ridge(data: PreparedData, roles: Sequence[str]) -> tuple[SplitEmbeddings, float]:
    """Items where a ridge regression on their features sees their mean caption; its strength, chosen on dev.

    Features are standardised on train, what is missing is their mean, and items without any are missing.
    Sentence vectors are unit rows less the mean of the training captions.
    """
    train = data.select_items("train")
    features = np.concatenate([_standardise(data.features[role], train) for role in roles], axis=1)
    silent = np.all([is_missing_row(data.features[role]) for role in roles], axis=0)
    said = unit_rows(np.asarray(data.texts["sentence"], np.float32)).astype(np.float64)
    captions = said - said[data.select_captions("train")].mean(0)
    target = average_by_owner(captions, data.caption_items, len(silent))
    told = train[~silent[train] & ~np.isnan(target[train]).any(1)]
    left, values, right = np.linalg.svd(features[told], full_matrices=False)
    turned = left.T @ target[told]
    found: dict[float, SplitEmbeddings] = {}
    for strength in RIDGE_STRENGTHS:
        weight = right.T @ ((values / (values**2 + strength))[:, None] * turned)
        rows = np.where(silent[:, None], np.nan, features @ weight)
        found[strength] = _split_embeddings(data, unit_rows(np.asarray(rows)), unit_rows(captions))
    best = max(RIDGE_STRENGTHS, key=lambda strength: compute_dev_rsum(found[strength], data))
    return found[best], best


def compute_dev_rsum(embeddings: SplitEmbeddings, data: PreparedData) -> float:
    """rsum of the dev part."""
    return compute_rsum(*embeddings["dev"], map_captions_to_items(data, "dev"))


def map_captions_to_items(data: PreparedData, split: str) -> npt.NDArray[np.int64]:
    """(c,) the item of each of a part's captions, numbered within the part."""
    place = np.full(len(data.item_splits), -1)
    place[data.select_items(split)] = np.arange(len(data.select_items(split)))
    return place[data.caption_items[data.select_captions(split)]]


def _split_embeddings(data: PreparedData, item_embeddings: Rows, caption_embeddings: Rows) -> SplitEmbeddings:
    return {
        part: (item_embeddings[data.select_items(part)], caption_embeddings[data.select_captions(part)])
        for part in ("dev", "test")
    }


def _standardise(features: Rows, train_rows: npt.NDArray[np.int64]) -> Floats:
    """Columns with mean 0 and variance 1 over train; 0 where missing."""
    mean, spread = np.nanmean(features[train_rows], axis=0), np.nanstd(features[train_rows], axis=0)
    return np.nan_to_num((features - mean) / np.maximum(spread, 1e-6)).astype(np.float64)

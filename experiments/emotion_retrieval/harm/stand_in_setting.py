"""The harm study on texts against given features of the items, by the stand-in model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from encoders.clipvip.emotion_conditioning import AddToTokens
from experiments.emotion_retrieval.harm.caption_videos import CaptionVideos, CaptionVideoSplits
from experiments.emotion_retrieval.harm.stand_in_model import StandInModel
from experiments.emotion_retrieval.harm.stand_in_training import (
    BASELINE_SCHEDULE,
    Baseline,
    train_baseline,
    train_variant,
)
from experiments.emotion_retrieval.harm.study import VariantResult, measure_variant
from experiments.emotion_retrieval.harm.variants import OURS, REPORT, VARIANTS, Variant
from retrieval.evaluation import DirectionResult, InnerProductSimilarity, evaluate
from spaces.joint import Schedule


@dataclass(frozen=True, eq=False)
class StandInSetting:
    """A `HarmSetting` on texts and features of items."""

    splits: CaptionVideoSplits
    schedule: Schedule = BASELINE_SCHEDULE
    variants: Sequence[Variant] = VARIANTS
    report: str = REPORT
    ours: str = OURS

    @property
    def key(self) -> Sequence[Any]:
        """The data and the schedule of the baseline."""
        return self.splits.compute_digest(), asdict(self.schedule)

    def describe(self) -> dict[str, Any]:
        """Numbers of items and queries."""
        test = self.splits.test
        return {
            "training texts": len(self.splits.train.item_by_text), "items": len(test.video_ids),
            "queries": len(test.item_by_text), "with emotion": int(test.has_emotion.sum()),
        }  # fmt: skip

    def train_baseline(self, seed: int, checkpoint: Path | None) -> Baseline:
        """The model without emotions."""
        return train_baseline(self.splits, self.schedule, seed=seed, checkpoint=checkpoint)

    def measure(self, baseline: Baseline, variant: Variant, seed: int) -> VariantResult:
        """Train and evaluate a variant."""
        model = train_variant(baseline, variant, self.splits, seed=seed)
        videos = self.splits.test
        return measure_variant(
            variant.name, evaluate_model(model, videos), seed,
            emotion_scale=measure_emotion_scale(model, videos),
            cosine=compare_with_baseline(model, baseline.model, videos),
        )  # fmt: skip


def evaluate_model(model: StandInModel, videos: CaptionVideos) -> dict[str, DirectionResult]:
    """Text to video, by query set."""
    texts, media = model.encode(videos)
    owners = [videos.video_ids[item] for item in videos.item_by_text]
    direction = evaluate(InnerProductSimilarity(texts, media), owners, videos.video_ids).t2v
    return split_by_emotion(direction, videos.has_emotion)


def split_by_emotion(direction: DirectionResult, has_emotion: Any) -> dict[str, DirectionResult]:
    """The queries of each of QUERY_SETS."""
    ids = np.array(direction.query_ids)
    return {
        "all": direction,
        "with emotion": direction.select_queries(ids[has_emotion].tolist()),
        "without emotion": direction.select_queries(ids[~has_emotion].tolist()),
    }


def measure_emotion_scale(model: StandInModel, videos: CaptionVideos) -> float | None:
    """Mean norm of the emotion vectors of texts with an emotion by the mean norm of embedded tokens.

    None where emotions are not added to tokens.
    """
    conditioning = model.text.conditioning
    if not isinstance(conditioning, AddToTokens):
        return None
    with torch.no_grad():
        emotions = torch.from_numpy(videos.emotions[videos.has_emotion])
        vectors = conditioning.embed_emotions(conditioning.weigh_emotions(emotions))
        ids = torch.from_numpy(videos.token_ids)
        tokens = model.text.text_model.embeddings(ids)[ids != 0]
    return float(vectors.norm(dim=1).mean() / tokens.norm(dim=1).mean())


def compare_with_baseline(
    model: StandInModel, baseline: StandInModel, videos: CaptionVideos
) -> float | None:  # fmt: skip
    """Mean cosine of the rows of texts with an emotion; None where rows differ in width."""
    ours, theirs = (side.encode(videos)[0][videos.has_emotion] for side in (model, baseline))
    return float((ours * theirs).sum(axis=1).mean()) if ours.shape == theirs.shape else None

"""Recall of every variant on all queries, on those that name an emotion and on those that don't.

The result of a variant under a seed is kept as soon as it is there; a study that was stopped goes on with the
next one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from encoders import write_atomically
from encoders.clipvip.emotion_conditioning import AddToTokens
from experiments.emotion_retrieval.caption_videos import CaptionVideos, CaptionVideoSplits
from experiments.emotion_retrieval.stand_in_model import StandInModel
from experiments.emotion_retrieval.stand_in_training import (
    BASELINE_SCHEDULE,
    Baseline,
    train_baseline,
    train_variant,
)
from experiments.emotion_retrieval.variants import Variant
from retrieval.evaluation import DirectionResult, InnerProductSimilarity, evaluate

QUERY_SETS = ("all", "with emotion", "without emotion")
REPORTED_METRICS = ("R@1", "R@10", "MnR")
STUDY_VERSION = 1  # part of the key of a result: raise it when the same trial would give another


@dataclass(frozen=True, kw_only=True, eq=False)
class VariantResult:
    """Text-to-video metrics of a variant under one seed.

    metrics: by query set, the value of each metric
    hits:    by query set, (videos,) hits at rank one, whose mean is R@1; queries of one video belong together
    kept_hits: (videos,) as the hits of all queries, if those with an emotion found nothing
    emotion_scale: of emotions added to tokens: mean norm of the texts' emotion vectors against that of their
             tokens' embeddings; None for other variants
    cosine:  mean cosine of texts with an emotion to what the baseline makes of them; None where rows differ
             in width
    """

    variant: str
    seed: int
    metrics: Mapping[str, Mapping[str, float]]
    hits: Mapping[str, npt.NDArray[np.float64]]
    kept_hits: npt.NDArray[np.float64]
    emotion_scale: float | None = None
    cosine: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As kept on disk."""
        hits = {name: values.tolist() for name, values in self.hits.items()}
        return asdict(self) | {"hits": hits, "kept_hits": self.kept_hits.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        hits = {name: np.array(values, np.float64) for name, values in stored["hits"].items()}
        kept_hits = np.array(stored["kept_hits"], np.float64)
        return cls(**{**stored, "hits": hits, "kept_hits": kept_hits})


@dataclass(frozen=True)
class TrialFolder:
    """Where baselines and results are kept; without a path nothing is."""

    path: Path | None
    data_digest: str = ""

    def load(self, variant: Variant, seed: int) -> VariantResult | None:
        """A kept result; None for none."""
        file = self._get_file(variant, seed)
        return VariantResult.from_json(json.loads(file.read_text())) if file and file.exists() else None

    def store(self, variant: Variant, result: VariantResult) -> None:
        """Keep a result."""
        if file := self._get_file(variant, result.seed):
            write_atomically(file, json.dumps(result.to_json()).encode())

    def get_checkpoint(self, seed: int) -> Path | None:
        """Of the baseline."""
        return self.path / f"baseline-{self._digest(seed)}.safetensors" if self.path else None

    def _get_file(self, variant: Variant, seed: int) -> Path | None:
        return self.path / f"{self._digest(asdict(variant), seed)}.json" if self.path else None

    def _digest(self, *parts: Any) -> str:
        """Of everything that a result depends on."""
        key = [STUDY_VERSION, self.data_digest, asdict(BASELINE_SCHEDULE), *parts]
        return hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]


def run_harm_study(
    splits: CaptionVideoSplits,
    variants: Sequence[Variant],
    *,
    seeds: Sequence[int],
    trial_folder: Path | None = None,
    on_variant: Callable[[str], None] = lambda name: None,
) -> list[VariantResult]:
    """Train the baseline under each seed and every variant from it, and evaluate them on the test videos.

    trial_folder: where weights of baselines and results of variants are kept and found again
    on_variant:   called with what is being trained
    """
    folder = TrialFolder(trial_folder, splits.compute_digest() if trial_folder else "")
    results = []
    for seed in seeds:
        trials = _SeedTrials(splits, seed, folder)
        for variant in variants:
            on_variant(f"{variant.name}, seed {seed}")
            results.append(folder.load(variant, seed) or trials.measure(variant))
    return results


@dataclass(frozen=True, eq=False)
class _SeedTrials:
    """The variants of one seed, which share a baseline; it is trained if one of them is."""

    splits: CaptionVideoSplits
    seed: int
    folder: TrialFolder

    @cached_property
    def baseline(self) -> Baseline:
        """The trained baseline."""
        return train_baseline(self.splits, seed=self.seed, checkpoint=self.folder.get_checkpoint(self.seed))

    def measure(self, variant: Variant) -> VariantResult:
        """Train and evaluate a variant, and keep the result."""
        model = train_variant(self.baseline, variant, self.splits, seed=self.seed)
        videos = self.splits.test
        result = replace(
            measure_variant(variant.name, evaluate_model(model, videos), self.seed),
            emotion_scale=measure_emotion_scale(model, videos),
            cosine=compare_with_baseline(model, self.baseline.model, videos),
        )
        self.folder.store(variant, result)
        return result


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


def compare_with_baseline(model: StandInModel, baseline: StandInModel, videos: CaptionVideos) -> float | None:
    """Mean cosine of the rows of texts with an emotion; None where rows differ in width."""
    ours, theirs = (side.encode(videos)[0][videos.has_emotion] for side in (model, baseline))
    return float((ours * theirs).sum(axis=1).mean()) if ours.shape == theirs.shape else None


def evaluate_model(model: StandInModel, videos: CaptionVideos) -> dict[str, DirectionResult]:
    """Text to video, by query set."""
    texts, media = model.encode(videos)
    owners = [videos.video_ids[item] for item in videos.item_by_text]
    direction = evaluate(InnerProductSimilarity(texts, media), owners, videos.video_ids).t2v
    ids = np.array(direction.query_ids)
    return {
        "all": direction,
        "with emotion": direction.select_queries(ids[videos.has_emotion].tolist()),
        "without emotion": direction.select_queries(ids[~videos.has_emotion].tolist()),
    }


def measure_variant(name: str, directions: Mapping[str, DirectionResult], seed: int) -> VariantResult:
    """The metrics and hits of a variant, by query set."""
    return VariantResult(
        variant=name,
        seed=seed,
        metrics={
            query_set: {metric: direction.compute_metric(metric) for metric in REPORTED_METRICS}
            for query_set, direction in directions.items()
        },
        hits={query_set: _weigh_hits(direction) for query_set, direction in directions.items()},
        kept_hits=_weigh_hits(directions["all"], directions["without emotion"]),
    )


def _weigh_hits(
    direction: DirectionResult, counted: DirectionResult | None = None
) -> npt.NDArray[np.float64]:
    """(videos,) hits of each video's queries, weighted so that their mean is the share of all queries.

    counted: the queries whose hits count, by default all
    """
    counted = counted or direction
    videos = np.unique(np.array(direction.groups))
    number = np.searchsorted(videos, np.array(counted.groups))
    sums = np.bincount(number, counted.compute_hits(1), len(videos))
    return np.asarray(sums * len(videos) / len(direction.groups))

"""Training of the baseline, and of variants from its weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from encoders.clipvip.affect_coordinates import AFFECT_LOGIT_SHIFT
from encoders.clipvip.config import AFFECT_COORDINATES
from experiments.emotion_retrieval.harm.caption_videos import CaptionVideos, CaptionVideoSplits
from experiments.emotion_retrieval.harm.stand_in_model import StandInModel
from experiments.emotion_retrieval.harm.variants import Variant
from losses import LearnableInfoNCE
from losses.contrastive import CLIP_VIP_BOUNDS
from spaces.joint import Schedule, Trainer

BATCH = 128
BASELINE_SCHEDULE = Schedule(
    epochs=4, batch=BATCH, rate=1e-3, decay="cosine", rise=0.05, weight_decay=0.01, clip=1.0
)
TEXTS_PER_EPOCH = 60 * BATCH  # of further training, drawn once
NEW_PREFIXES = (
    "text.conditioning.",
    "affect_residual.",
    "affect_coordinates.",
)  # of weights that the baseline lacks


@dataclass(frozen=True, eq=False)
class Baseline:
    """The model without emotions, and the temperature that was trained with it."""

    model: StandInModel
    temperature: float


def train_baseline(
    splits: CaptionVideoSplits, schedule: Schedule, *, seed: int, checkpoint: Path | None = None
) -> Baseline:
    """The model without emotions, trained on all texts."""
    model, loss = make_model(splits, Variant(name=""), seed=seed), LearnableInfoNCE()
    Trainer(
        model=model, training_set=splits.train, loss=loss, schedule=schedule,
        seed=seed, run_key=f"baseline {seed} {schedule}",
    ).run(checkpoint)  # fmt: skip
    return Baseline(model, float(loss.log_temperature.detach().exp()))


def train_variant(
    baseline: Baseline, variant: Variant, splits: CaptionVideoSplits, *, seed: int
) -> StandInModel:
    """A variant with the baseline's weights and temperature, trained further by its number of steps."""
    model = make_model(splits, variant, seed=seed)
    missing = model.load_state_dict(baseline.model.state_dict(), strict=False)
    assert not missing.unexpected_keys
    if variant.steps:
        texts = draw_texts(splits.train, seed)
        epochs = max(1, round(variant.steps * BATCH / len(texts.item_by_text)))
        schedule = Schedule(
            epochs=epochs, batch=BATCH, rate=variant.rate, decay="cosine", weight_decay=0.01, clip=1.0
        )
        Trainer(
            model=model, training_set=texts, seed=seed, schedule=schedule,
            loss=continue_loss(baseline.temperature, variant),
            group_parameters=lambda module: group_parameters(module, variant),
        ).run()  # fmt: skip
    return model


def continue_loss(temperature: float, variant: Variant) -> LearnableInfoNCE:
    """The loss at the baseline's temperature, so that training goes on as it ended."""
    factor = math.exp(-AFFECT_LOGIT_SHIFT) if variant.emotions.conditioning == AFFECT_COORDINATES else 1.0
    return LearnableInfoNCE(temperature * factor, CLIP_VIP_BOUNDS)


def make_model(splits: CaptionVideoSplits, variant: Variant, *, seed: int) -> StandInModel:
    """The untrained model of a variant."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        affect_dim = splits.train.affect.shape[1] if variant.uses_video_affect else 0
        return StandInModel(
            splits.vocabulary_size, splits.train.features.shape[1], variant.emotions, affect_dim=affect_dim
        )


def draw_texts(videos: CaptionVideos, seed: int) -> CaptionVideos:
    """TEXTS_PER_EPOCH of the texts, or all."""
    count = min(TEXTS_PER_EPOCH, len(videos.item_by_text))
    chosen = np.random.default_rng(seed).choice(len(videos.item_by_text), count, replace=False)
    return videos.select_texts(np.sort(chosen))


def group_parameters(module: nn.Module, variant: Variant) -> list[dict[str, Any]]:
    """What the baseline lacks, which is trained faster, and its own parameters unless they are frozen."""
    own: list[nn.Parameter] = []
    new: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        is_new = name.removeprefix("model.").startswith(NEW_PREFIXES)
        (new if is_new else own).append(parameter)
        parameter.requires_grad_(is_new or not variant.is_content_frozen)
    groups: list[dict[str, Any]] = [] if variant.is_content_frozen else [{"params": own}]
    if new:
        groups.append({"params": new, "rate_factor": variant.new_rate_factor})
    return groups

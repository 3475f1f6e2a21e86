"""One configuration under which the baseline and the emotion models are trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from encoders.clipvip.config import REPORT_EMOTIONS, EmotionConfig, Weighting
from encoders.clipvip.io import load_checkpoint, load_clip
from encoders.clipvip.model import ClipVip
from experiments.emotion_retrieval.data.affect_table import AffectTable
from experiments.emotion_retrieval.training.devices import Precision
from experiments.emotion_retrieval.training.model_names import REPORT, TEXT_SIDE_ALONE
from experiments.emotion_retrieval.training.video_text_model import LogitScaleInfoNCE
from losses import LOSSES
from losses.ranking import MARGIN
from spaces.joint import Schedule
from spaces.joint.trainable_model import BatchLoss

NCE, NCE_DSL = "nce", "nce-dsl"
LOSS_NAMES = (NCE, NCE_DSL, *(name for name in LOSSES if name != "infonce-learnt"))
"""nce: InfoNCE with the model's logit scale, trained; nce-dsl: with the dual softmax too; the others are
those of `losses.LOSSES`, but for the one with a second trained temperature."""

NOT_OF_ONE_MODEL = (
    "clip", "checkpoint", "records", "videos", "models", "device", "dev_ids", "affect", "init_std",
    "weighting", "dropout",
)  # fmt: skip
"""Options that `TrainingOptions.describe` leaves out, or gives in another form."""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What the models of a run share.

    clip:        folder of CLIP in transformers' layout, with its tokenizer
    checkpoint:  of CLIP-ViP or of the emotion report; None starts from CLIP
    records:     captions with emotions; videos: folder of their files
    dev:         share of the videos held out to choose the best epoch; 0 for none, which takes the last
    dev_ids:     file with the ids of those held out, in place of a share
    init_std, weighting, dropout: of `EmotionConfig`, but for the report's model
    new_rate_factor, decay_rule:  of `group_parameters`
    max_tokens:  of a caption; the model's own limit if that is lower
    affect:      of the videos, which the video side adds by a gate; not in TEXT_SIDE_ALONE

    Raises ValueError for a warm-up as long as the training.
    """

    clip: Path
    checkpoint: Path | None
    records: Path
    videos: Path
    dev: float
    dev_ids: Path | None
    models: tuple[str, ...]
    init_std: float
    weighting: Weighting
    dropout: float
    loss: str
    schedule: Schedule
    new_rate_factor: float
    decay_rule: str
    max_tokens: int
    affect: AffectTable | None
    device: str
    precision: Precision
    seed: int

    def __post_init__(self) -> None:
        entry = LOSSES.get(self.loss)
        if entry is not None and entry.warmup and self.schedule.warm >= self.schedule.epochs:
            raise ValueError(
                f"{self.schedule.warm} epochs of warm-up leave none of {self.schedule.epochs} to the loss "
                f"{self.loss}; set --loss-warm-up"
            )

    def make_emotion_config(self, name: str) -> EmotionConfig:
        """The emotion conditioning of one of MODEL_NAMES."""
        if name == REPORT:
            return REPORT_EMOTIONS
        conditioning: Any = name
        return EmotionConfig(
            conditioning=conditioning, init_std=self.init_std, weighting=self.weighting, dropout=self.dropout
        )

    def make_model(self, name: str) -> ClipVip:
        """The model of one of MODEL_NAMES at its start; what no file has is drawn by the seed.

        Raises AffectError for files that can't be read or don't fit.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            model = load_clip(
                self.clip, emotions=self.make_emotion_config(name), affect_dim=self.count_affect(name)
            )
        if self.checkpoint is not None:
            load_checkpoint(model, self.checkpoint)
        return model

    def count_affect(self, name: str) -> int:
        """Numbers of affect that a model's video side takes."""
        return 0 if self.affect is None or name in TEXT_SIDE_ALONE else len(self.affect.columns)

    def make_losses(self, model: ClipVip) -> tuple[BatchLoss, BatchLoss | None]:
        """The loss, and that of the warm-up where the loss needs one."""
        if self.loss in (NCE, NCE_DSL):
            return LogitScaleInfoNCE(model.logit_scale, dual_softmax=self.loss == NCE_DSL), None
        entry = LOSSES[self.loss]
        return entry.make(), entry.warmup(MARGIN) if entry.warmup and self.schedule.warm else None

    def describe(self, name: str) -> dict[str, Any]:
        """What a model depends on beside the content of its files, for its card and its checkpoint."""
        settings = asdict(replace(self, affect=None))
        for key in NOT_OF_ONE_MODEL:
            del settings[key]
        affect = None
        if self.affect is not None and self.count_affect(name):
            affect = {"columns": list(self.affect.columns), "digest": self.affect.digest}
        emotions = asdict(self.make_emotion_config(name))
        return {"model": name, "emotions": emotions, **settings, "affect": affect}

"""The harm study end to end: rendered videos with music of a mood, through a small CLIP-ViP from scratch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from encoders import Rows, get_cache_dir
from encoders.clipvip.affect_coordinates import AFFECT_LOGIT_SHIFT
from encoders.clipvip.checkpoint_keys import NEW_PREFIXES
from encoders.clipvip.config import AFFECT_COORDINATES, ClipVipConfig
from encoders.clipvip.model import ClipVip
from experiments.emotion_retrieval.data.video_pairs import VideoPairs
from experiments.emotion_retrieval.harm.mood_clips import (
    MAX_WORDS,
    SOFT_EMOTIONS,
    MoodClips,
    MoodClipSplits,
    load_mood_clips,
)
from experiments.emotion_retrieval.harm.mood_variants import MOOD_VARIANTS, OURS, REPORT
from experiments.emotion_retrieval.harm.stand_in_setting import split_by_emotion
from experiments.emotion_retrieval.harm.study import VariantResult, average_by_group, measure_variant
from experiments.emotion_retrieval.harm.variants import Variant
from experiments.emotion_retrieval.training.video_text_model import (
    LogitScaleInfoNCE,
    VideoTextModel,
    group_parameters,
)
from retrieval.evaluation import DirectionResult, InnerProductSimilarity, evaluate
from spaces.joint import Schedule, Trainer
from spaces.joint.vocabulary import END, PADDING, SPECIAL_TOKENS, START

CLIPS, WORLD_SEED = 960, 0
SIDE, PATCH, FRAME_COUNT = 48, 16, 6  # pixels, pixels, frames of a video that are seen
WIDTH, LAYERS, HEADS, DIM = 64, 2, 4, 64
AFFECT_DIM = 2  # valence and arousal
FIRST_ITEMS = 5  # found items whose affect is compared with the mood asked for
START_LOGIT_SCALE = math.log(1 / 0.07)  # CLIP's, for training from scratch

BATCH = 48
BASELINE_SCHEDULE = Schedule(
    epochs=10, batch=BATCH, rate=2e-3, decay="cosine", rise=0.05, weight_decay=0.05, clip=1.0
)


@dataclass(frozen=True, eq=False)
class MoodSetting:
    """A `HarmSetting` on rendered videos.

    evaluated_split: "test", or "dev" to choose by
    """

    splits: MoodClipSplits
    schedule: Schedule = BASELINE_SCHEDULE
    variants: Sequence[Variant] = MOOD_VARIANTS
    report: str = REPORT
    ours: str = OURS
    evaluated_split: str = "test"

    @property
    def key(self) -> Sequence[Any]:
        """The clips, the model's size, the schedule and the split."""
        sizes = [len(clips.pairs.video_ids) for clips in self.splits.by_split.values()]
        return (
            "synthetic",
            WORLD_SEED,
            sizes,
            SIDE,
            FRAME_COUNT,
            WIDTH,
            asdict(self.schedule),
            self.evaluated_split,
        )

    def describe(self) -> dict[str, Any]:
        """Numbers of videos and queries."""
        train, tested = self.splits.by_split["train"], self.splits.by_split[self.evaluated_split]
        return {
            "training videos": len(train.combinations), "videos": len(tested.combinations),
            "silent": int(np.isnan(tested.true_affect).any(axis=1).sum()),
            "queries": len(tested.names_mood), "with emotion": int(tested.names_mood.sum()),
        }  # fmt: skip

    def train_baseline(self, seed: int, checkpoint: Path | None) -> VideoTextModel:
        """The model without emotions, from scratch."""
        model = self._make_model(self.variants[0], seed)
        with torch.no_grad():
            model.clip_vip.logit_scale.fill_(START_LOGIT_SCALE)
        self._make_trainer(model, self.variants[0], self.schedule, seed, is_clip_vip=False).run(checkpoint)
        return model

    def measure(self, baseline: VideoTextModel, variant: Variant, seed: int) -> VariantResult:
        """Train a variant from the baseline's weights, and evaluate it."""
        model = self._make_model(variant, seed)
        names = model.load_state_dict(baseline.state_dict(), strict=False)
        assert not names.unexpected_keys
        if variant.emotions.conditioning == AFFECT_COORDINATES:
            with torch.no_grad():
                model.clip_vip.logit_scale.add_(AFFECT_LOGIT_SHIFT)
        if variant.steps:
            self._make_trainer(model, variant, self._make_schedule(variant), seed).run()
        clips = self.splits.by_split[self.evaluated_split]
        text_rows, video_rows = model.encode(select_inputs(clips.pairs, variant))
        return measure_variant(
            variant.name, evaluate_clips(clips, text_rows, video_rows), seed,
            affect_distances=measure_affect_distances(clips, text_rows, video_rows),
        )  # fmt: skip

    def _make_schedule(self, variant: Variant) -> Schedule:
        """Of further training."""
        texts = len(self.splits.by_split["train"].pairs.item_by_text)
        return Schedule(
            epochs=max(1, round(variant.steps * BATCH / texts)), batch=BATCH, rate=variant.rate,
            decay="cosine", rise=0.05, weight_decay=0.05, clip=1.0,
        )  # fmt: skip

    def _make_model(self, variant: Variant, seed: int) -> VideoTextModel:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return VideoTextModel(ClipVip(make_config(variant, self.splits.vocabulary_size)))

    def _make_trainer(
        self, model: VideoTextModel, variant: Variant, schedule: Schedule, seed: int, *,
        is_clip_vip: bool = True,
    ) -> Trainer:  # fmt: skip
        return Trainer(
            model=model, training_set=select_inputs(self.splits.by_split["train"].pairs, variant),
            loss=LogitScaleInfoNCE(model.clip_vip.logit_scale), schedule=schedule, seed=seed,
            run_key=f"{variant.name} {seed} {schedule}",
            group_parameters=partial(group_variant_parameters, variant=variant, is_clip_vip=is_clip_vip),
        )  # fmt: skip


def group_variant_parameters(
    module: nn.Module, *, variant: Variant, is_clip_vip: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """Groups as `group_parameters` makes them, of new weights alone where the content is frozen."""
    for name, parameter in module.named_parameters():
        is_new = any(new in name for new in NEW_PREFIXES)
        parameter.requires_grad_(is_new or not variant.is_content_frozen)
    groups = group_parameters(module, new_rate_factor=variant.new_rate_factor, is_clip_vip=is_clip_vip)
    return [group for group in groups if any(parameter.requires_grad for parameter in group["params"])]


def load_mood_setting(data_root: Path) -> MoodSetting:
    """The synthetic set, rendered into the user's cache folder."""
    del data_root  # rendered on the spot
    folder = get_cache_dir() / "mood-clips"
    return MoodSetting(load_mood_clips(folder, CLIPS, WORLD_SEED, side=SIDE, frame_count=FRAME_COUNT))


def make_config(variant: Variant, vocabulary_size: int) -> ClipVipConfig:
    """A small CLIP-ViP for the words of the synthetic set."""
    sizes = {
        "hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "projection_dim": DIM,
    }  # fmt: skip
    text = {
        "vocab_size": vocabulary_size, "max_position_embeddings": MAX_WORDS + 2,
        "bos_token_id": SPECIAL_TOKENS.index(START), "eos_token_id": SPECIAL_TOKENS.index(END),
        "pad_token_id": SPECIAL_TOKENS.index(PADDING),
    }  # fmt: skip
    return ClipVipConfig(
        clip={
            "projection_dim": DIM,
            "text_config": {**sizes, **text},
            "vision_config": {**sizes, "image_size": SIDE, "patch_size": PATCH},
        },
        temporal_size=FRAME_COUNT,
        emotions=variant.emotions,
        affect_dim=AFFECT_DIM if variant.uses_video_affect else 0,
    )


def select_inputs(pairs: VideoPairs, variant: Variant) -> VideoPairs:
    """The emotions that a variant knows, in its order, and the affect of videos if it uses it."""
    columns = [SOFT_EMOTIONS.index(name) for name in variant.emotions.order]
    return replace(
        pairs,
        emotions=pairs.emotions[:, columns],
        affect=pairs.affect if variant.uses_video_affect else None,
    )


def evaluate_clips(clips: MoodClips, texts: Rows, videos: Rows) -> dict[str, DirectionResult]:
    """Text to video by query set; clips of one combination belong together."""
    pairs = clips.pairs
    owners = [pairs.video_ids[item] for item in pairs.item_by_text]
    direction = evaluate(InnerProductSimilarity(texts, videos), owners, pairs.video_ids).t2v
    groups = tuple(clips.combinations[item] for item in pairs.item_by_text)
    return split_by_emotion(replace(direction, groups=groups), clips.names_mood)


def measure_affect_distances(clips: MoodClips, texts: Rows, videos: Rows) -> npt.NDArray[np.float64]:
    """(combinations,) distance from the mood that a query names to the affect of the FIRST_ITEMS it finds.

    Among the videos with sound: a silent one has no affect. Mean over the items, the queries of a combination
    weighted as `average_by_group` does.
    """
    sounding = np.flatnonzero(np.isfinite(clips.true_affect).all(axis=1))
    queries = np.flatnonzero(clips.names_mood)
    similarities = texts[queries] @ videos[sounding].T
    found = sounding[np.argsort(-similarities, axis=1, kind="stable")[:, :FIRST_ITEMS]]
    gaps = clips.true_affect[found] - clips.named_mood[queries][:, None]
    distances = np.linalg.norm(gaps, axis=2).mean(axis=1)
    return average_by_group(
        distances, [clips.combinations[clips.pairs.item_by_text[text]] for text in queries]
    )

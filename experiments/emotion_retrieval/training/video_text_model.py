"""CLIP-ViP as `Trainer` trains it: device, mixed precision, temperature and groups of parameters."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from encoders import AffectError, Rows
from encoders.clipvip.checkpoint_keys import NEW_IN_CLIP_VIP, NEW_PREFIXES
from encoders.clipvip.frame_sampling import CLIP_MEAN, CLIP_STD
from encoders.clipvip.model import ClipVip
from experiments.emotion_retrieval.data.video_pairs import VideoPairs
from losses import info_nce
from losses.contrastive import CLIP_VIP_BOUNDS, negative_log_likelihood
from losses.negatives import split_directions
from spaces.joint.trainable_model import BatchLoss, TrainableModel

DIVERGED = "training has diverged: the model's numbers are not finite; lower --rate or --new-rate-factor"
CHUNK = 16  # videos encoded at a time
TEXTS_PER_VIDEO = 16  # texts take about so many times less memory

EMBEDDINGS = re.compile(r"(token|position|class|temporal)_embedding|added_proxies$|conditioning\.table$")
ADAM = {"betas": (0.9, 0.98), "eps": 1e-6}  # of CLIP-ViP's released code

DECAY_RULES: dict[str, Callable[[str, nn.Parameter], bool]] = {
    "standard": lambda name, parameter: parameter.ndim > 1 and not EMBEDDINGS.search(name),
    "clip-vip": lambda name, parameter: not name.endswith(("bias", "logit_scale")),
}
"""Which parameters are decayed, by name and shape. standard: matrices of blocks and projections. clip-vip, as
its released code and the emotion report's do: all but biases and the logit scale. That code leaves out
"LayerNorm.weight", but CLIP's norms have other names, so that their gains are decayed, and so are all tables.
"""


class VideoTextModel(TrainableModel):
    """CLIP-ViP on a device, in bfloat16 where `bfloat16` is True (weights and losses stay in float32).

    `on_batch` is called for every batch of training.
    """

    def __init__(
        self, clip_vip: ClipVip, *, device: str = "cpu", bfloat16: bool = False,
        on_batch: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.on_batch = on_batch
        self.clip_vip = clip_vip.to(device)
        self.device, self.uses_bfloat16 = torch.device(device), bfloat16

    def compute_loss(self, batch: Any, loss: BatchLoss) -> Tensor:
        """The loss () of a batch of `VideoPairs.make_batch`. Raises AffectError where it is not finite."""
        self.on_batch()
        similarity = self.embed_videos(batch) @ self.embed_texts(batch).T
        value = loss(similarity, batch["same_item"].to(self.device))
        if not value.isfinite():
            raise AffectError(DIVERGED)
        return value

    def embed_videos(self, batch: dict[str, Tensor]) -> Tensor:
        """Unit rows (n, dim) of `frames` (n, T, side, side, 3) uint8, and `affect` where it is there."""
        frames = standardise_pixels(batch["frames"].to(self.device))
        takes_affect = self.clip_vip.config.affect_dim > 0 and "affect" in batch
        affect = batch["affect"].to(self.device) if takes_affect else None
        with self._autocast():
            features = self.clip_vip.video(frames, affect)
        return normalize(features.float(), dim=1)

    def embed_texts(self, batch: dict[str, Tensor]) -> Tensor:
        """Unit rows (n, dim) of `token_ids`, `token_mask` and `emotions`."""
        ids, mask, emotions = (batch[key].to(self.device) for key in ("token_ids", "token_mask", "emotions"))
        with self._autocast():
            features = self.clip_vip.text(ids, mask, emotions)
        return normalize(features.float(), dim=1)

    @torch.no_grad()
    def encode(self, pairs: VideoPairs, chunk: int = CHUNK) -> tuple[Rows, Rows]:
        """Unit rows of all texts (texts, dim) and of all videos (videos, dim); the frames of inference.

        Raises AffectError where the model gives numbers that are not finite.
        """
        self.eval()
        texts = [
            self.embed_texts(pairs.select_text_tensors(numbers)).cpu().numpy()
            for numbers in _split(len(pairs.item_by_text), chunk * TEXTS_PER_VIDEO)
        ]
        videos = [
            self.embed_videos(pairs.select_video_tensors(numbers)).cpu().numpy()
            for numbers in _split(len(pairs.video_ids), chunk)
        ]
        rows = np.concatenate(texts), np.concatenate(videos)
        if not all(np.isfinite(side).all() for side in rows):
            raise AffectError(DIVERGED)
        return rows

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.uses_bfloat16)


def standardise_pixels(frames: Tensor) -> Tensor:
    """(n, T, 3, side, side) of frames (n, T, side, side, 3) uint8, as `make_pixels` standardises."""
    mean, std = (torch.from_numpy(constant).to(frames.device) for constant in (CLIP_MEAN, CLIP_STD))
    return ((frames.float() / 255 - mean) / std).movedim(-1, 2).contiguous()


@dataclass(frozen=True, eq=False)
class LogitScaleInfoNCE:
    """`info_nce` by the model's own logit scale, which is trained and saved with its weights.

    Before each use it is clamped to CLIP-ViP's bounds, as `LearnableInfoNCE` does. With `dual_softmax` logits
    are multiplied by their softmax over the anchors first (Cheng et al. 2021; NCELearnableTempDSLLoss of
    CLIP-ViP's code).
    """

    logit_scale: nn.Parameter
    dual_softmax: bool = False
    bounds: tuple[float, float] = CLIP_VIP_BOUNDS

    def __call__(self, similarity: Tensor, same_item: Tensor | None = None) -> Tensor:
        """The loss () of similarities (v, t)."""
        with torch.no_grad():
            self.logit_scale.clamp_(-math.log(self.bounds[1]), -math.log(self.bounds[0]))
        if not self.dual_softmax:
            return info_nce(similarity, (-self.logit_scale).exp(), same_item)
        logits = similarity * self.logit_scale.exp()
        of_videos, _ = split_directions(logits * logits.softmax(dim=0), same_item)
        _, of_texts = split_directions(logits * logits.softmax(dim=1), same_item)
        return negative_log_likelihood(of_videos).mean() + negative_log_likelihood(of_texts).mean()


def group_parameters(
    module: nn.Module, *, new_rate_factor: float = 1.0, decay_rule: str = "standard", is_clip_vip: bool = True
) -> list[dict[str, Any]]:  # fmt: skip
    """Groups of a `VideoTextModel`'s parameters: decayed or not, started from a file's weights or new.

    new_rate_factor: how many times as fast emotion conditioning, affect and gates are trained
    decay_rule:      one of DECAY_RULES
    is_clip_vip:     whether the weights were CLIP-ViP's; else proxies and temporal embedding are new too
    """
    is_decayed = DECAY_RULES[decay_rule]
    new_names = (*NEW_PREFIXES, *(() if is_clip_vip else NEW_IN_CLIP_VIP))
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        is_new = any(new in name for new in new_names)
        groups.setdefault((is_new, is_decayed(name, parameter)), []).append(parameter)
    return [
        {"params": parameters, **ADAM}
        | ({"rate_factor": new_rate_factor} if is_new else {})
        | ({} if decayed else {"weight_decay": 0.0})
        for (is_new, decayed), parameters in groups.items()
    ]


def _split(count: int, size: int) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """Consecutive numbers from 0, at most `size` at a time."""
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]

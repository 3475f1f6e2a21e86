"""Ways to compute CLIP-ViP's attention: with a mask over all tokens, or proxy-guided without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, CLIPConfig

from encoders.clipvip.config import ClipVipConfig
from encoders.clipvip.model import ClipVip
from encoders.clipvip.proxy_attention import PROXY_GUIDED, make_proxy_mask
from experiments.emotion_retrieval.training.video_text_model import LogitScaleInfoNCE, VideoTextModel

DENSE_KERNEL, DENSE_SCORES = "dense_proxy_mask", "dense_proxy_scores"
WAYS = {
    "dense mask, scores stored": DENSE_SCORES,
    "dense mask, fused kernel": DENSE_KERNEL,
    "proxy-guided": PROXY_GUIDED,
}
"""Name of the attention function by way. The first is how attention is written out in formulas."""


def attend_dense_kernel(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None,
    scaling: float | None = None, dropout: float = 0.0, *, proxies: int, frames: int, **unused: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """As `attend_proxy_guided`, by torch's fused attention with a mask over all tokens."""
    mask = _make_mask(proxies, frames, query.shape[2]).to(query.device)
    attended = scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scaling)
    return attended.transpose(1, 2).contiguous(), None


def attend_dense_scores(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None,
    scaling: float = 1.0, dropout: float = 0.0, *, proxies: int, frames: int, **unused: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """As `attend_proxy_guided`, by a matrix of all scores."""
    mask = _make_mask(proxies, frames, query.shape[2]).to(query.device)
    scores = (query @ key.transpose(2, 3) * scaling).masked_fill(~mask, -torch.inf)
    return (scores.softmax(dim=3) @ value).transpose(1, 2).contiguous(), None


@cache
def _make_mask(proxies: int, frames: int, tokens: int) -> Tensor:
    return make_proxy_mask(proxies, frames, (tokens - proxies) // frames)


AttentionInterface.register(DENSE_KERNEL, attend_dense_kernel)
AttentionInterface.register(DENSE_SCORES, attend_dense_scores)


@dataclass(frozen=True, kw_only=True, eq=False)
class AttentionWorkload:
    """A random model of CLIP B/32's size and a batch, to run by any of WAYS.

    batch: of `VideoTextModel.compute_loss`
    """

    model: VideoTextModel
    optimiser: torch.optim.Optimizer
    batch: dict[str, Tensor]

    def select_way(self, way: str) -> None:
        """Compute the attention of the video tower so from now on."""
        self.model.clip_vip.video.vision_model.set_attn_implementation(WAYS[way])

    def encode(self) -> Tensor:
        """The forward pass of the video tower, without gradients."""
        self.model.eval()
        with torch.inference_mode():
            return self.model.embed_videos(self.batch)

    def train(self) -> None:
        """One step of training of both towers."""
        self.model.train()
        self.optimiser.zero_grad()
        self.model.compute_loss(self.batch, LogitScaleInfoNCE(self.model.clip_vip.logit_scale)).backward()
        self.optimiser.step()


def make_workload(
    config: CLIPConfig, *, videos: int, frames: int, seed: int, device: str = "cpu"
) -> AttentionWorkload:
    """Random weights, frames and texts. `config` is CLIP's; its default is B/32's size."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        clip_vip = ClipVip(ClipVipConfig(clip=config.to_dict(), temporal_size=frames))
        sizes: tuple[Any, Any] = (config.vision_config, config.text_config)
        vision, text = sizes
        length = text.max_position_embeddings
        batch = {
            "frames": torch.randint(256, (videos, frames, vision.image_size, vision.image_size, 3)).byte(),
            "token_ids": torch.randint(text.vocab_size - 2, (videos, length)),
            "token_mask": torch.ones(videos, length, dtype=torch.long),
            "emotions": torch.zeros(videos, 8),
            "same_item": torch.eye(videos, dtype=torch.bool),
        }
    batch["token_ids"][:, -1] = text.vocab_size - 1
    model = VideoTextModel(clip_vip, device=device)
    return AttentionWorkload(
        model=model, optimiser=torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True), batch=batch
    )


def measure_saved_bytes(run: Callable[[], object]) -> int:
    """Bytes that autograd keeps for the backward pass at the most: each storage once, without parameters."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if not (tensor.is_leaf and tensor.requires_grad):
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        run()
    return sum(storages.values())


def count_scores(proxies: int, frames: int, patches: int) -> dict[str, int]:
    """Scores of one head: over all tokens, and proxy-guided."""
    tokens = proxies + frames * patches
    return {"dense": tokens**2, "proxy-guided": proxies * tokens + frames * patches * (proxies + patches)}

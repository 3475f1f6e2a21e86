"""The video tower of CLIP-ViP (Xue et al. 2023) around CLIP's vision transformer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from transformers import CLIPVisionModel

from encoders.clipvip.affect_coordinates import VideoCoordinates
from encoders.clipvip.proxy_attention import PROXY_GUIDED


class VideoTower(nn.Module):
    """Frames (b, T, 3, side, side) to features (b, dim), not normalised.

    CLIP's class token and `added_proxies` (M - 1, width), drawn from N(0, 1) as in the released code, are the
    proxies; all carry the position of the class token. `temporal_embedding` (1, frames, width), zero at the
    start, is added to the patches of each frame. An image is a video of one frame. With `coordinates` above 0
    the video's affect is as many coordinates after the features, and no residual of them.
    """

    def __init__(
        self, vision_model: CLIPVisionModel, projection: nn.Linear, *, added_proxies: int, temporal_size: int,
        affect_dim: int = 0, coordinates: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        width = vision_model.config.hidden_size
        self.vision_model, self.projection = vision_model, projection
        self.added_proxies = nn.Parameter(torch.randn(added_proxies, width))
        self.temporal_embedding = nn.Parameter(torch.zeros(1, temporal_size, width))
        has_residual = affect_dim and not coordinates
        self.affect_residual = AffectResidual(affect_dim, width) if has_residual else None
        self.affect_coordinates = VideoCoordinates(affect_dim, coordinates) if coordinates else None
        vision_model.set_attn_implementation(PROXY_GUIDED)

    def forward(self, frames: Tensor, affect: Tensor | None = None) -> Tensor:
        """Features (b, dim); `affect` (b, affect_dim) of the same videos, NaN where missing.

        Raises ValueError for frames that are not (b, T, 3, side, side) with T > 0.
        """
        tokens = self.vision_model.pre_layrnorm(self._embed_tokens(frames))
        hidden = self.vision_model.encoder(
            inputs_embeds=tokens, proxies=1 + len(self.added_proxies), frames=frames.shape[1]
        ).last_hidden_state
        pooled = self.vision_model.post_layernorm(hidden[:, 0])
        if self.affect_residual is not None and affect is not None:
            pooled = self.affect_residual(pooled, affect)
        features: Tensor = self.projection(pooled)
        return features if self.affect_coordinates is None else self.affect_coordinates(features, affect)

    @property
    def image_size(self) -> int:
        """Side of the frames in pixels."""
        size = self.vision_model.config.image_size
        assert isinstance(size, int)
        return size

    def interpolate_temporal_embedding(self, frame_count: int) -> Tensor:
        """(frames, width), linearly over time with half-pixel centres where the number differs."""
        table: Tensor = self.temporal_embedding
        if frame_count != table.shape[1]:
            table = interpolate(table.transpose(1, 2), size=frame_count, mode="linear").transpose(1, 2)
        return table[0]

    def _embed_tokens(self, frames: Tensor) -> Tensor:
        """Proxies, then the patches frame by frame: (b, M + T L, width)."""
        if frames.ndim != 5 or not frames.shape[1]:
            raise ValueError(f"frames must be (b, T, 3, side, side) with T > 0, not {tuple(frames.shape)}")
        batch, frame_count = frames.shape[:2]
        embeddings = self.vision_model.embeddings
        by_frame = embeddings(frames.flatten(0, 1)).unflatten(0, (batch, frame_count))
        patches = by_frame[:, :, 1:] + self.interpolate_temporal_embedding(frame_count)[:, None]
        position = embeddings.position_embedding.weight[0]
        proxies = torch.cat([embeddings.class_embedding[None], self.added_proxies]) + position
        return torch.cat([proxies.expand(batch, -1, -1), patches.flatten(1, 2)], dim=1)


class AffectResidual(nn.Module):
    """Adds a linear map of a video's affect to its pooled features, by a gate that starts at zero."""

    def __init__(self, affect_dim: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(affect_dim, width)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, pooled: Tensor, affect: Tensor) -> Tensor:
        """(b, width); a missing number (NaN) adds nothing, nor does a video without any."""
        is_present = ~affect.isnan()
        added = self.linear(affect.nan_to_num()) * is_present.any(dim=1, keepdim=True)
        result: Tensor = pooled + self.gate.tanh() * added
        return result

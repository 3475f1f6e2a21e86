"""CLIP-ViP with emotions: both towers and the logit scale, composed of transformers' CLIP."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import CLIPConfig, CLIPModel

from encoders.clipvip.affect_coordinates import AFFECT_LOGIT_SHIFT
from encoders.clipvip.config import LOGIT_SCALE, ClipVipConfig
from encoders.clipvip.text_tower import TextTower
from encoders.clipvip.video_tower import VideoTower


class ClipVip(nn.Module):
    """Unit rows of texts and of videos in one space (Xue et al. 2023; emotions: the emotion report, 2024)."""

    def __init__(self, config: ClipVipConfig, clip: CLIPModel | None = None) -> None:
        """Around `clip`, whose modules are used and changed; by default around a random one."""
        super().__init__()
        clip = clip or CLIPModel(CLIPConfig.from_dict(dict(config.clip)))
        self.config = config
        self.video = VideoTower(
            clip.vision_model, clip.visual_projection, added_proxies=config.added_proxies,
            temporal_size=config.temporal_size, affect_dim=config.affect_dim,
            coordinates=config.emotions.coordinates if config.has_coordinates else 0,
        )  # fmt: skip
        self.text = TextTower(clip.text_model, clip.text_projection, config.emotions)
        shift = AFFECT_LOGIT_SHIFT if config.has_coordinates else 0.0
        self.logit_scale = nn.Parameter(torch.tensor(LOGIT_SCALE + shift))

    def encode_video(self, frames: Tensor, affect: Tensor | None = None) -> Tensor:
        """Unit rows (b, dim) of frames (b, T, 3, side, side); arguments as `VideoTower.forward`."""
        return normalize(self.video(frames, affect), dim=1)

    def encode_text(
        self, token_ids: Tensor, attention_mask: Tensor | None = None, emotions: Tensor | None = None
    ) -> Tensor:
        """Unit rows (b, dim) of token ids (b, n); arguments as `TextTower.forward`."""
        return normalize(self.text(token_ids, attention_mask, emotions), dim=1)

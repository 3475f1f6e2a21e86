"""CLIP's text tower with emotions against a projection of given video features."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from transformers import CLIPTextConfig, CLIPTextModel

from encoders import Rows
from encoders.clipvip.affect_coordinates import VideoCoordinates
from encoders.clipvip.config import AFFECT_COORDINATES, EmotionConfig
from encoders.clipvip.text_tower import TextTower
from encoders.clipvip.video_tower import AffectResidual
from experiments.emotion_retrieval.harm.caption_videos import MAX_WORDS, CaptionVideos
from spaces.joint.trainable_model import BatchLoss, TrainableModel
from spaces.joint.vocabulary import END, PADDING, SPECIAL_TOKENS, START

WIDTH, LAYERS, HEADS = 96, 2, 4
CHUNK_TEXTS = 512  # texts encoded at a time


class StandInModel(TrainableModel):
    """Texts by CLIP's text transformer, small and untrained, videos by a projection of their features.

    feature_dim: of the videos
    affect_dim:  numbers of affect that a gated residual adds to a video's features, or that become
                 coordinates of their own if the emotions do; 0 for none
    """

    def __init__(
        self, vocabulary_size: int, feature_dim: int, emotions: EmotionConfig, *, affect_dim: int = 0
    ) -> None:
        super().__init__()
        config = CLIPTextConfig(
            vocab_size=vocabulary_size, hidden_size=WIDTH, intermediate_size=4 * WIDTH,
            num_hidden_layers=LAYERS, num_attention_heads=HEADS, max_position_embeddings=MAX_WORDS + 2,
            bos_token_id=SPECIAL_TOKENS.index(START), eos_token_id=SPECIAL_TOKENS.index(END),
            pad_token_id=SPECIAL_TOKENS.index(PADDING),
        )  # fmt: skip
        self.text = TextTower(CLIPTextModel(config), nn.Linear(WIDTH, WIDTH, bias=False), emotions)
        self.projection = nn.Linear(feature_dim, WIDTH, bias=False)
        has_coordinates = emotions.conditioning == AFFECT_COORDINATES
        self.affect_coordinates = (
            VideoCoordinates(affect_dim, emotions.coordinates) if has_coordinates else None
        )
        has_residual = affect_dim and not has_coordinates
        self.affect_residual = AffectResidual(affect_dim, feature_dim) if has_residual else None

    def compute_loss(self, batch: Any, loss: BatchLoss) -> Tensor:
        """The loss () of a batch of `CaptionVideos.make_batch`."""
        videos = self.embed_videos(batch["features"], batch["affect"])
        texts = self.embed_texts(batch["token_ids"], batch["emotions"])
        return loss(videos @ texts.T, batch["same_item"])

    def embed_videos(self, features: Tensor, affect: Tensor) -> Tensor:
        """Unit rows (n, WIDTH), with coordinates of affect (n, WIDTH + k + 2)."""
        if self.affect_residual is not None:
            features = self.affect_residual(features, affect)
        rows = self.projection(features)
        if self.affect_coordinates is not None:
            rows = self.affect_coordinates(rows, affect)
        return normalize(rows, dim=1)

    def embed_texts(self, token_ids: Tensor, emotions: Tensor) -> Tensor:
        """Unit rows, as wide as those of videos."""
        length = int((token_ids != 0).sum(1).max())
        ids = token_ids[:, :length]
        return normalize(self.text(ids, (ids != 0).long(), emotions), dim=1)

    @torch.no_grad()
    def encode(self, videos: CaptionVideos) -> tuple[Rows, Rows]:
        """Unit rows of all texts and of all videos."""
        self.eval()
        ids, emotions = torch.from_numpy(videos.token_ids), torch.from_numpy(videos.emotions)
        texts = [
            self.embed_texts(ids[start : start + CHUNK_TEXTS], emotions[start : start + CHUNK_TEXTS]).numpy()
            for start in range(0, len(ids), CHUNK_TEXTS)
        ]
        media = self.embed_videos(torch.from_numpy(videos.features), torch.from_numpy(videos.affect))
        return np.concatenate(texts), media.numpy()

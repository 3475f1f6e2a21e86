"""CLIP's text tower, with emotions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPTextModel
from transformers.masking_utils import create_causal_mask

from encoders.clipvip.config import EmotionConfig
from encoders.clipvip.emotion_conditioning import TokenSequence, make_conditioning

OLD_END_TOKEN_ID = 2  # in openai's configurations, where the end token is that of the largest id


class TextTower(nn.Module):
    """Token ids (b, n) to features (b, dim), not normalised: the projected end token.

    By "affect-coordinates" the coordinates of the text's affect follow it.
    """

    def __init__(self, text_model: CLIPTextModel, projection: nn.Linear, emotions: EmotionConfig) -> None:
        super().__init__()
        self.text_model, self.projection = text_model, projection
        self.conditioning = make_conditioning(emotions, text_model.config.hidden_size)

    def forward(
        self, token_ids: Tensor, attention_mask: Tensor | None = None, emotions: Tensor | None = None
    ) -> Tensor:
        """Features (b, dim).

        attention_mask: (b, n), 1 for tokens and 0 for padding; None for no padding
        emotions:       (b, emotions) counts or weights in the order of the configuration; None for none
        """
        mask = torch.ones_like(token_ids) if attention_mask is None else attention_mask
        tokens = TokenSequence(
            embeddings=self.text_model.embeddings(token_ids), mask=mask, ends=self.find_ends(token_ids)
        )
        weights = None
        if self.conditioning is not None and emotions is not None:
            weights = self.conditioning.weigh_emotions(emotions)
            tokens = self.conditioning.condition_tokens(tokens, weights)
        ends = self._encode_ends(tokens)
        if self.conditioning is not None and weights is not None:
            ends = self.conditioning.condition_output(ends, weights)
        ends = self.text_model.final_layer_norm(ends)
        features: Tensor = self.projection(ends)
        if self.conditioning is not None:
            features = self.conditioning.condition_features(features, ends, weights)
        return features

    def find_ends(self, token_ids: Tensor) -> Tensor:
        """(b,) the position of each text's first end token."""
        end_id: Any = self.text_model.config.eos_token_id
        scores = token_ids if end_id == OLD_END_TOKEN_ID else token_ids.eq(end_id).int()
        return scores.argmax(dim=1)

    def _encode_ends(self, tokens: TokenSequence) -> Tensor:
        """The end tokens (b, width) after the last block."""
        causal_mask = create_causal_mask(
            config=self.text_model.config,
            inputs_embeds=tokens.embeddings,
            attention_mask=tokens.mask,
            past_key_values=None,
        )
        hidden = self.text_model.encoder(
            inputs_embeds=tokens.embeddings, attention_mask=causal_mask, is_causal=True
        ).last_hidden_state
        ends: Tensor = hidden[torch.arange(len(hidden), device=hidden.device), tokens.ends]
        return ends

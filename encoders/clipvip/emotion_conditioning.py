"""Emotions in the text tower: the emotion report's sum, and forms that can start as CLIP itself.

Emotions are (b, emotions) counts or weights of each text. Their vector is the mean of the embeddings of those
that are present, (sum of w_i e_i) / max(sum of w_i, 1): a text without any has the vector zero. (The report
divided by count + 1e-8, which is 0 in half precision.)

| conditioning | the emotion vector is | start |
| --- | --- | --- |
| add | added to every token's embedding (the emotion report) | embeddings as drawn |
| concat | concatenated to every token's embedding, then projected | the token passes unchanged |
| cross-attention | not used: tokens attend to the embeddings of the emotions present | output projection 0 |
| emotion-token | a token of its own, before the first; none where there is no emotion | embeddings as drawn |
| gated-output | added to the end token after the blocks, times a gate | gate 0 |
| gated-end-token | added to the end token's embedding before the blocks, times a gate | gate 0 |
| affect-coordinates | joined to the features as coordinates, with a reading of the end token | both 0 |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from encoders.clipvip.affect_coordinates import join_affect
from encoders.clipvip.config import EmotionConfig

ATTENTION_HEADS = 4  # of the cross-attention; the width of CLIP's text towers is a multiple


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenSequence:
    """Embedded tokens (b, n, width), a mask (b, n) of those that are no padding, and end positions (b,)."""

    embeddings: Tensor
    mask: Tensor
    ends: Tensor


class EmotionConditioning(nn.Module):
    """The embeddings of the emotions, and how they enter; subclasses override one of three methods."""

    def __init__(self, config: EmotionConfig, width: int) -> None:
        super().__init__()
        self.config = config
        # drawn here: inside of a model of transformers an nn.Embedding would be drawn anew with its own scale
        self.table = nn.Parameter(torch.randn(len(config.order), width) * config.init_std)

    def condition_tokens(self, tokens: TokenSequence, weights: Tensor) -> TokenSequence:
        """The tokens before the first block; `weights` (b, emotions) as `weigh_emotions` gives them."""
        return tokens

    def condition_output(self, ends: Tensor, weights: Tensor) -> Tensor:
        """The end tokens (b, width) after the last block."""
        return ends

    def condition_features(self, features: Tensor, ends: Tensor, weights: Tensor | None) -> Tensor:
        """The features (b, dim) projected from the end tokens (b, width); no weights as weights of zero."""
        return features

    def weigh_emotions(self, emotions: Tensor) -> Tensor:
        """Weights (b, emotions) of counts or weights; in training, those of some texts are dropped.

        Raises ValueError for another number of columns.
        """
        if emotions.ndim != 2 or emotions.shape[1] != len(self.table):
            raise ValueError(f"emotions must be (b, {len(self.table)}), not {tuple(emotions.shape)}")
        weights = (emotions > 0) if self.config.weighting == "binary" else emotions.clamp(0, 1)
        weights = weights.to(self.table.dtype)
        if self.training and self.config.dropout:
            # drawn on the CPU, whose random state is in checkpoints
            kept = torch.rand(len(weights), 1) >= self.config.dropout
            weights = weights * kept.to(weights.device)
        return weights

    def embed_emotions(self, weights: Tensor) -> Tensor:
        """(b, width) emotion vectors."""
        return (weights @ self.table) / weights.sum(dim=1, keepdim=True).clamp(min=1)


class AddToTokens(EmotionConditioning):
    """add."""

    def condition_tokens(self, tokens: TokenSequence, weights: Tensor) -> TokenSequence:
        """Every token, those of padding too, plus the emotion vector."""
        return replace(tokens, embeddings=tokens.embeddings + self.embed_emotions(weights)[:, None])


class ConcatToTokens(EmotionConditioning):
    """concat."""

    def __init__(self, config: EmotionConfig, width: int) -> None:
        super().__init__(config, width)
        self.projection = nn.Linear(2 * width, width)
        with torch.no_grad():
            self.projection.weight.copy_(torch.cat([torch.eye(width), torch.zeros(width, width)], dim=1))
            self.projection.bias.zero_()

    def condition_tokens(self, tokens: TokenSequence, weights: Tensor) -> TokenSequence:
        """Every token and the emotion vector, projected."""
        vectors = self.embed_emotions(weights)[:, None].expand_as(tokens.embeddings)
        return replace(tokens, embeddings=self.projection(torch.cat([tokens.embeddings, vectors], dim=2)))


class AttendToEmotions(EmotionConditioning):
    """cross-attention."""

    def __init__(self, config: EmotionConfig, width: int) -> None:
        super().__init__(config, width)
        self.attention = nn.MultiheadAttention(width, ATTENTION_HEADS, batch_first=True)
        nn.init.zeros_(self.attention.out_proj.weight)

    def condition_tokens(self, tokens: TokenSequence, weights: Tensor) -> TokenSequence:
        """Tokens plus their attention to the emotions present, each embedding times its weight."""
        has_emotion = weights.any(dim=1)
        if not has_emotion.any():
            return tokens
        keys = self.table * weights[has_emotion][:, :, None]
        attended = self.attention(
            tokens.embeddings[has_emotion], keys, keys, key_padding_mask=weights[has_emotion] == 0,
            need_weights=False,
        )[0]  # fmt: skip
        embeddings = tokens.embeddings.index_add(0, has_emotion.nonzero()[:, 0], attended)
        return replace(tokens, embeddings=embeddings)


class EmotionToken(EmotionConditioning):
    """emotion-token."""

    def condition_tokens(self, tokens: TokenSequence, weights: Tensor) -> TokenSequence:
        """One more token in front, which is masked where a text has no emotion."""
        has_emotion = weights.any(dim=1, keepdim=True)
        if not has_emotion.any():
            return tokens
        vectors = self.embed_emotions(weights)[:, None]
        return TokenSequence(
            embeddings=torch.cat([vectors, tokens.embeddings], dim=1),
            mask=torch.cat([has_emotion.to(tokens.mask.dtype), tokens.mask], dim=1),
            ends=tokens.ends + 1,
        )


class GatedConditioning(EmotionConditioning):
    """A linear map of the emotion vector, times a gate that starts at zero."""

    def __init__(self, config: EmotionConfig, width: int) -> None:
        super().__init__(config, width)
        self.linear = nn.Linear(width, width, bias=False)
        self.gate = nn.Parameter(torch.zeros(()))

    def compute_residual(self, weights: Tensor) -> Tensor:
        """(b, width)."""
        residual: Tensor = self.gate.tanh() * self.linear(self.embed_emotions(weights))
        return residual


class GatedOutput(GatedConditioning):
    """gated-output."""

    def condition_output(self, ends: Tensor, weights: Tensor) -> Tensor:
        """The end tokens plus the residual."""
        return ends + self.compute_residual(weights)


class GatedEndToken(GatedConditioning):
    """gated-end-token."""

    def condition_tokens(self, tokens: TokenSequence, weights: Tensor) -> TokenSequence:
        """The residual added at the end tokens alone."""
        rows = torch.arange(len(tokens.ends), device=tokens.ends.device)
        residual = self.compute_residual(weights)
        return replace(
            tokens, embeddings=tokens.embeddings.index_put((rows, tokens.ends), residual, accumulate=True)
        )


class AffectCoordinates(EmotionConditioning):
    """affect-coordinates; see `encoders.clipvip.affect_coordinates`."""

    def __init__(self, config: EmotionConfig, width: int) -> None:
        super().__init__(config, config.coordinates)
        self.readout = nn.Linear(width, config.coordinates, bias=False)
        for start in (self.table, self.readout.weight):
            nn.init.zeros_(start)

    def condition_features(self, features: Tensor, ends: Tensor, weights: Tensor | None) -> Tensor:
        """The features, and as coordinates the emotion vector and what the end token says of emotion."""
        if weights is None:
            weights = self.table.new_zeros(len(features), len(self.table))
        has_emotion = weights.any(dim=1, keepdim=True)
        coordinates = self.embed_emotions(weights) + self.readout(ends) * has_emotion
        return join_affect(features, coordinates, is_text=True)


CONDITIONINGS: dict[str, Callable[[EmotionConfig, int], EmotionConditioning]] = {
    "add": AddToTokens,
    "concat": ConcatToTokens,
    "cross-attention": AttendToEmotions,
    "emotion-token": EmotionToken,
    "gated-output": GatedOutput,
    "gated-end-token": GatedEndToken,
    "affect-coordinates": AffectCoordinates,
}


def make_conditioning(config: EmotionConfig, width: int) -> EmotionConditioning | None:
    """The conditioning of a text tower of this width; None for "none"."""
    return None if config.conditioning == "none" else CONDITIONINGS[config.conditioning](config, width)

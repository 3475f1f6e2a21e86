"""Configuration of CLIP-ViP and of its emotion conditioning, stored with the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self, get_args

from encoders.base import AffectError
from encoders.lexicon import EMOTIONS

Conditioning = Literal[
    "none", "add", "concat", "cross-attention", "emotion-token", "gated-output", "gated-end-token",
    "affect-coordinates",
]  # fmt: skip
"""How emotions enter the text tower; see `emotion_conditioning`."""

Weighting = Literal["binary", "soft"]

AFFECT_COORDINATES: Final = "affect-coordinates"
"""The conditioning that leaves texts without emotion as they are; the one to begin with."""

SLACK_COORDINATES = 2  # beside those that texts and videos share: of texts, of videos
LOGIT_SCALE = 4.60  # of the released configurations: a temperature of .01005


@dataclass(frozen=True, kw_only=True)
class EmotionConfig:
    """Emotion conditioning of the text tower.

    conditioning: how emotions enter
    init_std:     standard deviation of the emotion embeddings at the start; 1 in the emotion report, by
                  nn.Embedding's default
    weighting:    "binary": emotions are on or off (the report), "soft": by their weights in [0, 1]
    dropout:      probability that a text's emotions are left out in training
    coordinates:  numbers of the affect that texts and videos share, by "affect-coordinates"
    order:        the emotions in the order of the columns; stored, since the report trained in one order
                  and queried in another

    Raises ValueError for an unknown value or numbers out of range.
    """

    conditioning: Conditioning = "none"
    init_std: float = 0.02
    weighting: Weighting = "binary"
    dropout: float = 0.0
    coordinates: int = 8
    order: tuple[str, ...] = EMOTIONS

    def __post_init__(self) -> None:
        for name, choices in (("conditioning", get_args(Conditioning)), ("weighting", get_args(Weighting))):
            if getattr(self, name) not in choices:
                raise ValueError(f"no {name} {getattr(self, name)!r}; known: {', '.join(choices)}")
        if self.init_std < 0 or not 0 <= self.dropout < 1:
            raise ValueError(f"init_std must be 0 or more, dropout from 0 to below 1: {self}")
        if self.coordinates < 1:
            raise ValueError(f"coordinates must be 1 or more: {self}")
        if len(set(self.order)) != len(self.order) or not self.order:
            raise ValueError(f"order must name each emotion once: {', '.join(self.order)}")


REPORT_EMOTIONS = EmotionConfig(conditioning="add", init_std=1.0)
"""The emotion report's: N(0, 1) embeddings, binarised, averaged, added to every token."""


@dataclass(frozen=True, kw_only=True)
class ClipVipConfig:
    """Everything that determines the shapes of the weights and what is computed with them.

    clip:          configuration of transformers' CLIP, as its `to_dict` gives it
    added_proxies: proxies beside CLIP's class token
    temporal_size: frames of the temporal embedding; other numbers are interpolated
    affect_dim:    numbers of affect on the video side (faces, sound, valence and arousal); 0 for none
    """

    clip: Mapping[str, Any]
    added_proxies: int = 3
    temporal_size: int = 12
    emotions: EmotionConfig = EmotionConfig()
    affect_dim: int = 0

    def __post_init__(self) -> None:
        # as a file gives it back: transformers has numbers as keys
        object.__setattr__(self, "clip", json.loads(json.dumps(dict(self.clip))))

    @property
    def feature_dim(self) -> int:
        """Numbers of a row of a text or a video."""
        projected: int = self.clip["projection_dim"]
        return projected + (self.emotions.coordinates + SLACK_COORDINATES if self.has_coordinates else 0)

    @property
    def has_coordinates(self) -> bool:
        """Whether rows end in coordinates of affect."""
        return self.emotions.conditioning == AFFECT_COORDINATES

    def to_json(self) -> dict[str, Any]:
        """As stored with the weights."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises AffectError for missing or unknown names or bad values."""
        try:
            emotions = dict(stored["emotions"])
            emotions["order"] = tuple(emotions["order"])
            return cls(**{**stored, "emotions": EmotionConfig(**emotions)})
        except (KeyError, TypeError, ValueError) as error:
            raise AffectError(
                f"not a CLIP-ViP configuration: {error!r} in {json.dumps(stored)[:200]}"
            ) from error

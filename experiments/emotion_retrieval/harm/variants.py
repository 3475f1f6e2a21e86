"""Variants of the emotion model, each started from the baseline's weights and trained further or not."""

from __future__ import annotations

from dataclasses import dataclass

from encoders.clipvip.config import EmotionConfig

NO_EMOTIONS = EmotionConfig()


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A row of the study.

    emotions: the conditioning and the start of its embeddings
    steps:    of further training, of BATCH texts each; 0 for none
    rate:     its learning rate
    new_rate_factor: how many times as fast what the baseline lacks is trained
    uses_video_affect: whether the video side carries affect too
    is_content_frozen: whether only what the baseline lacks is trained
    """

    name: str
    emotions: EmotionConfig = NO_EMOTIONS
    steps: int = 0
    rate: float = 1e-4
    new_rate_factor: float = 1.0
    uses_video_affect: bool = False
    is_content_frozen: bool = False


BASELINE = "baseline"
REPORT = "add, std 1 (report)"
OURS = "affect-coordinates + video affect, content frozen, 300 steps"
CONTROL = "baseline, 300 steps at 1e-4"


def _add(std: float) -> EmotionConfig:
    return EmotionConfig(conditioning="add", init_std=std)


VARIANTS: tuple[Variant, ...] = (
    Variant(name=BASELINE),
    Variant(name=CONTROL, steps=300),
    # the emotion report's rule: its scale, and what training can mend
    Variant(name="add, zeros", emotions=_add(0.0)),
    Variant(name="add, std .02", emotions=_add(0.02)),
    Variant(name="add, std .1", emotions=_add(0.1)),
    Variant(name=REPORT, emotions=_add(1.0)),
    Variant(name="add, std 1, 60 steps at 1e-6", emotions=_add(1.0), steps=60, rate=1e-6),
    Variant(name="add, std 1, 300 steps at 1e-6", emotions=_add(1.0), steps=300, rate=1e-6),
    Variant(name="add, std 1, 300 steps at 1e-4", emotions=_add(1.0), steps=300),
    Variant(name="add, std .02, 300 steps at 1e-4", emotions=_add(0.02), steps=300),
    Variant(name="add, zeros, 300 steps at 1e-4", emotions=_add(0.0), steps=300),
    # other ways in, and affect on the side of videos
    Variant(name="video affect, 300 steps", steps=300, new_rate_factor=10, uses_video_affect=True),
    *(
        Variant(
            name=f"{form}, 300 steps",
            emotions=EmotionConfig(conditioning=form),
            steps=300,
            new_rate_factor=10,
        )
        for form in ("concat", "cross-attention", "emotion-token", "gated-end-token", "gated-output")
    ),
    *(
        Variant(
            name=f"{form} + video affect, 300 steps",
            emotions=EmotionConfig(conditioning=form, dropout=0.1),
            steps=300,
            new_rate_factor=10,
            uses_video_affect=True,
        )
        for form in ("gated-output", "affect-coordinates")
    ),
    Variant(
        name=OURS,
        emotions=EmotionConfig(conditioning="affect-coordinates", dropout=0.1),
        steps=300,
        new_rate_factor=10,
        uses_video_affect=True,
        is_content_frozen=True,
    ),
)

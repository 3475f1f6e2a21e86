"""Variants of the emotion model on rendered videos, all started from the baseline's weights.

Those that are trained further take the same number of steps. Frozen content, and emotions by the four
directions of affect in place of the lexicon's, were chosen on the dev split.
"""

from __future__ import annotations

from dataclasses import replace

from encoders.clipvip.config import AFFECT_COORDINATES, REPORT_EMOTIONS, Conditioning, EmotionConfig
from experiments.emotion_retrieval.harm.mood_clips import AFFECT_DIRECTIONS, SOFT_EMOTIONS
from experiments.emotion_retrieval.harm.variants import BASELINE, Variant

STEPS = 280
SOFT = EmotionConfig(conditioning=AFFECT_COORDINATES, weighting="soft", dropout=0.1, order=AFFECT_DIRECTIONS)
REPORT = "report: add, std 1"
OURS = "affect-coordinates + video affect, content frozen"

COMPARED_FORMS: tuple[Conditioning, ...] = ("gated-output", AFFECT_COORDINATES)

MOOD_VARIANTS: tuple[Variant, ...] = (
    Variant(name=BASELINE),
    Variant(name="baseline, trained further", steps=STEPS),
    Variant(name=REPORT, emotions=REPORT_EMOTIONS, steps=STEPS),
    Variant(name="video affect", steps=STEPS, new_rate_factor=10, uses_video_affect=True),
    *(
        Variant(
            name=f"{form} + video affect",
            emotions=replace(SOFT, conditioning=form),
            steps=STEPS,
            new_rate_factor=10,
            uses_video_affect=True,
        )
        for form in COMPARED_FORMS
    ),
    *(
        Variant(
            name=name,
            emotions=replace(SOFT, order=order),
            steps=STEPS,
            rate=1e-3,
            new_rate_factor=10,
            uses_video_affect=True,
            is_content_frozen=True,
        )
        for name, order in (
            (f"{OURS}, emotions of the lexicon too", SOFT_EMOTIONS),
            (OURS, AFFECT_DIRECTIONS),
        )
    ),
)

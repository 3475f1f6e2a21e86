"""The card beside a weights file: what it is, what it learnt from, how good it is, how to make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from experiments.heads.training_sets import SUBJECTS
from experiments.statistics.report import table
from retrieval.training.train_heads import LOSSES
from spaces.joint.space import Heads

WIDE = 110  # characters a line
AUDIO = (
    "animal_sounds (689 clips from the web, no licence stated), RAVDESS speech (CC BY-NC-SA 4.0; "
    "Livingstone & Russo 2018), VGMIDI piano pieces (no licence file; Ferreira & Whitehead 2019). Each "
    "animal and speech clip is also heard at three other speeds; music and instruments are not, as tempo is "
    "part of a mood. Sonic Pi's samples (199 short sounds of drums, guitars, synthesisers and the like, CC0) "
    "and 77 segments of 41 orchestral tracks of Battle for Wesnoth (GPL-2+, some CC BY-SA 4.0), so that not "
    "every sound is taken for an animal, a voice or a piano; those of other kinds (engines, fireworks) can "
    "still score high for an animal",
    "the file holds averages of three clips or more, weights, and sentence vectors of our own phrases and "
    "of ImageNet label names; no clip's own row is stored. Because of RAVDESS and of the sets without a "
    "licence, use these weights for non-commercial research only",
)
AUDIO_FIGURES = (
    "kernel is what ships; plain, linear and svm learn from plain clips only. Lines about words found are "
    "of 4 folds in 3 splits, by heads taught without the synonyms they are asked; those by clip of one "
    "split; those that say what belongs hold out texts instead of clips"
)


def card(
    space: str, own: tuple[str, str] | None, heads: Heads, rows: Sequence[Mapping[str, Any]], seed: int,
    size: int,
) -> str:  # fmt: skip
    """Markdown; `own` is the data and its licence where they are not the package's."""
    subject = SUBJECTS.get(space)
    data, licence = own or ((subject.told, subject.licence) if subject else AUDIO)
    members = ", ".join(LOSSES if own else subject.plan.losses if subject else ("kernel ridge",))
    command = "--data ... --out ..." if own else f"{space} --seed {seed}"
    how = "" if subject or own else f": {AUDIO_FIGURES}"
    return "\n".join(
        [
            f"# Heads of the {space} space",
            "",
            f"Members: {members}. File: {size / 1e6:.1f} MB, float16 weights, safetensors.",
            f"They read: {', '.join(f'{role} ({made})' for role, made in heads.encoders.items())}.",
            f"Share of the untrained space in the cosine: {heads.share:g}.",
            "",
            *wrap(f"Data: {data}. Train and dev parts are learnt from.", WIDE),
            "",
            *wrap(f"Licence: {licence}.", WIDE),
            "",
            *wrap(f"Figures, on parts held out in turn (whole groups), 95 % intervals{how}.", WIDE),
            "",
            "```",
            *table(rows),
            "```",
            "",
            f"Made by `python -m experiments.train {command}`.",
            "",
        ]
    )

"""The card beside a weights file: its members, training data, licence, metrics, and how to make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from experiments.heads.training_sets import TRAINING_SPECS
from experiments.statistics.report import format_table
from retrieval.provenance import CARD_LINE_WIDTH, Provenance
from retrieval.training.train_heads import MEMBER_LOSSES
from spaces.joint import Heads

AUDIO_DATA_AND_LICENCE = (
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
CUSTOM_USE = (
    "Use: `affect index FOLDER --library LIB --heads THIS_FOLDER` makes a library that searches with them, "
    "or changes one that is there, without reading its media again; `affect train --undo --library LIB` goes "
    "back."
)
AUDIO_METRICS_NOTE = (
    "kernel is what ships; plain, linear and svm learn from plain clips only. Lines about words found are "
    "of 4 folds in 3 splits, by heads taught without the synonyms they are asked; those by clip of one "
    "split; those that say what belongs hold out texts instead of clips"
)


def format_model_card(
    space: str,
    custom_data: tuple[str, str] | None,
    heads: Heads,
    metric_rows: Sequence[Mapping[str, Any]],
    provenance: Provenance,
    file_bytes: int,
) -> str:
    """Markdown; `custom_data` is the data and its licence where they are not the package's."""
    spec = TRAINING_SPECS.get(space)
    data, licence = custom_data or _get_data_and_licence(space)
    losses = MEMBER_LOSSES if custom_data else spec.config.losses if spec else ("kernel ridge",)
    encoders = ", ".join(f"{role} ({signature})" for role, signature in heads.encoder_signatures.items())
    note = "" if spec or custom_data else f": {AUDIO_METRICS_NOTE}"
    base = "package's" if custom_data else "untrained"
    lines = [
        f"# Heads of the {space} space",
        "",
        f"Members: {', '.join(losses)}. File: {file_bytes / 1e6:.1f} MB, float16 weights, safetensors.",
        f"They read: {encoders}.",
        f"Share of the {base} space in the cosine: {heads.zero_shot_weight:g}, chosen on all parts held out; "
        "in the figures, on the other parts.",
        "",
        *wrap(f"Data: {data}. Train and dev parts are learnt from.", CARD_LINE_WIDTH),
        "",
        *wrap(f"Licence: {licence}.", CARD_LINE_WIDTH),
        "",
        *wrap(f"Figures, on parts held out in turn (whole groups), 95 % intervals{note}.", CARD_LINE_WIDTH),
        "",
        "```",
        *format_table(metric_rows),
        "```",
        "",
        *(wrap(CUSTOM_USE, CARD_LINE_WIDTH) if custom_data else []),
        *([""] if custom_data else []),
        *provenance.format_lines(),
        "",
    ]
    return "\n".join(lines)


def _get_data_and_licence(space: str) -> tuple[str, str]:
    spec = TRAINING_SPECS.get(space)
    return (spec.data_description, spec.licence) if spec else AUDIO_DATA_AND_LICENCE

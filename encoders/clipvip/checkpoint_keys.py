"""Names of the weights in released checkpoints, and strict loading of them.

Files differ by a prefix and by what CLIP lacks. A file is read whole or refused: a name that is not known, a
name that is missing, or another shape is an error that lists the names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from encoders.base import AffectError
from encoders.clipvip.affect_coordinates import AFFECT_LOGIT_SHIFT
from encoders.clipvip.model import ClipVip

RELEASED_PREFIX = "clipmodel."  # of CLIP-ViP's and the emotion report's files
BUFFERS = re.compile(r"(text|vision)_model\.embeddings\.position_ids")  # 0, 1, 2, ... in older files
MAX_NAMES_SHOWN = 6

RELEASED_NAMES = (
    (re.compile(r"^vision_model\.embeddings\.added_cls$"), "video.added_proxies"),
    (re.compile(r"^vision_model\.embeddings\.temporal_embedding$"), "video.temporal_embedding"),
    (re.compile(r"^text_model\.embeddings\.emotion_embedding\.weight$"), "text.conditioning.table"),
    (re.compile(r"^vision_model\."), "video.vision_model."),
    (re.compile(r"^text_model\."), "text.text_model."),
    (re.compile(r"^visual_projection\."), "video.projection."),
    (re.compile(r"^text_projection\."), "text.projection."),
    (re.compile(r"^logit_scale$"), "logit_scale"),
)
"""Patterns of released names, and what replaces them; the first that matches."""

NEW_IN_CLIP_VIP = ("video.added_proxies", "video.temporal_embedding")
"""Names that CLIP's own file lacks; those of emotions and affect are new in every other."""
NEW_PREFIXES = ("text.conditioning.", "video.affect_residual.", "video.affect_coordinates.")


@dataclass(frozen=True, kw_only=True)
class LoadedWeights:
    """What was read: the number of names in the file, and the names of the model that keep their start."""

    count: int
    new_names: tuple[str, ...]


def rename_released_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by this model's names. Raises AffectError with the names that are not known."""
    renamed: dict[str, Tensor] = {}
    unknown = []
    for name, tensor in weights.items():
        bare = name.removeprefix(RELEASED_PREFIX)
        if BUFFERS.fullmatch(bare):
            continue
        match = next(((pattern, new) for pattern, new in RELEASED_NAMES if pattern.match(bare)), None)
        if match is None:
            unknown.append(name)
        else:
            renamed[match[0].sub(match[1], bare)] = tensor
    if unknown:
        raise AffectError(f"{len(unknown)} of {len(weights)} weights are not known: {list_names(unknown)}")
    return renamed


def load_released_weights(model: ClipVip, weights: Mapping[str, Tensor]) -> LoadedWeights:
    """Load CLIP's weights, CLIP-ViP's or the emotion report's into a model; all of them or none.

    Raises AffectError for names that are not known or missing, and for other shapes. Missing may be what CLIP
    lacks, both proxies and temporal embedding or neither, and what is new in this model.
    """
    renamed = rename_released_weights(weights)
    own = dict(model.state_dict())
    if surplus := sorted(renamed.keys() - own.keys()):
        raise AffectError(f"the model has no place for {len(surplus)} weights: {list_names(surplus)}")
    missing = sorted(own.keys() - renamed.keys())
    is_plain_clip = all(name in missing for name in NEW_IN_CLIP_VIP)
    lacking = [
        name
        for name in missing
        if not name.startswith(NEW_PREFIXES) and not (is_plain_clip and name in NEW_IN_CLIP_VIP)
    ]
    if lacking:
        raise AffectError(f"{len(lacking)} weights are missing: {list_names(lacking)}")
    if wrong := [
        f"{name} {tuple(tensor.shape)}, not {tuple(own[name].shape)}"
        for name, tensor in renamed.items()
        if tensor.shape != own[name].shape
    ]:
        raise AffectError(f"{len(wrong)} weights have another shape: {list_names(wrong)}")
    model.load_state_dict(renamed, strict=False)
    if model.config.has_coordinates:  # the file's scale is of the content alone
        with torch.no_grad():
            model.logit_scale.add_(AFFECT_LOGIT_SHIFT)
    return LoadedWeights(count=len(weights), new_names=tuple(missing))


def list_names(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMES_SHOWN} more" * (len(names) > MAX_NAMES_SHOWN)
    return ", ".join(names[:MAX_NAMES_SHOWN]) + more

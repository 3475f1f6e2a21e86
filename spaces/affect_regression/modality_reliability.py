"""Measured reliability of each modality's affect estimates, and the correlation of their errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from encoders import MissingBackendError


@dataclass(frozen=True, kw_only=True)
class ModalityReliability:
    """Parameters of `fusion.affect_fusion`, measured by `experiments.heads.modality_reliability`.

    reliability: by modality, a factor on the stated precision of valence and of arousal
    correlation: between the errors of two modalities, of valence and of arousal
    """

    reliability: Mapping[str, tuple[float, float]]
    correlation: tuple[float, float]

    @property
    def version_text(self) -> str:
        """Its part of the affect model's version. Libraries store a digest of it: never change the text."""
        return f"Trust(reliability={self.reliability}, correlation={self.correlation})"


@cache
def load_modality_reliability() -> ModalityReliability:
    """Load the packaged file. Raises MissingBackendError where it is missing."""
    try:
        content = json.loads((files("spaces") / "weights" / "affect-senses.json").read_text(encoding="utf-8"))
    except OSError as bad:
        raise MissingBackendError("spaces/weights/affect-senses.json is not here; install again") from bad
    return ModalityReliability(
        reliability={name: (pair[0], pair[1]) for name, pair in content["reliability"].items()},
        correlation=(content["correlation"][0], content["correlation"][1]),
    )

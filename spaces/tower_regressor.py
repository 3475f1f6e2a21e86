"""Regressors from encoder features to numbers (valence, arousal, logits) in plain numpy, and their files.

A regressor is the mean of one or more towers of `spaces.joint.space`, without unit length. A file holds the
regressors of one modality by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from encoders import (
    MALFORMED_FILE_ERRORS,
    AffectError,
    Rows,
    read_safetensors,
    to_printable,
    write_safetensors,
)
from spaces.base import Features
from spaces.joint.io import flatten_tower, unflatten_tower
from spaces.joint.space import Tower

FORMAT_VERSION = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Regressor:
    """The mean of one tower or more, each from raw rows by role to (n, k) numbers."""

    towers: tuple[Tower, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """The input roles."""
        return tuple(dict.fromkeys(role for tower in self.towers for role in tower.inputs))

    def __call__(self, features: Features) -> Rows:
        """(n, k) of features by role; NaN where all of its roles are missing.

        Raises KeyError if none of its roles is in `features`.
        """
        return np.asarray(np.mean([tower.project_raw(features) for tower in self.towers], axis=0), np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressorSet:
    """The regressors of one modality, as stored in one file.

    encoder_signatures: by role, the signature of the encoder they were trained on
    metadata:           class names and constants needed to interpret the outputs, as JSON
    digest:             SHA-256 of the file
    """

    members: Mapping[str, Regressor]
    encoder_signatures: Mapping[str, str]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    def __getitem__(self, name: str) -> Regressor:
        return self.members[name]


def save_regressors(path: Path, regressors: RegressorSet) -> str:
    """Write regressors, weights as float16 where that suffices; returns the digest.

    Raises ValueError for weights that are not finite or exceed float16.
    """
    tensors = {
        name: rows
        for member, regressor in regressors.members.items()
        for number, tower in enumerate(regressor.towers)
        for name, rows in flatten_tower(f"{member}.{number}", tower)
    }
    header = {
        "format": FORMAT_VERSION,
        "members": {name: len(regressor.towers) for name, regressor in regressors.members.items()},
        "encoders": dict(regressors.encoder_signatures),
        "about": dict(regressors.metadata),
    }
    if not all(np.isfinite(rows).all() for rows in tensors.values()):
        raise ValueError(f"{path.name}: weights that are not finite, or too large for float16")
    return write_safetensors(path, tensors, "regressors", header)


def load_regressors(path: Path) -> RegressorSet:
    """Load a file written by `save_regressors`. Raises AffectError."""
    try:
        file = read_safetensors(path, "regressors")
        header = file.metadata
        if header["format"] != FORMAT_VERSION:
            raise ValueError(f"format {header['format']}, not {FORMAT_VERSION}")
        members = {
            name: Regressor(
                towers=tuple(unflatten_tower(file.tensors, f"{name}.{number}") for number in range(count))
            )
            for name, count in header["members"].items()
        }
        signatures, metadata = dict(header["encoders"]), dict(header["about"])
        if not all(regressor.towers for regressor in members.values()):
            raise ValueError("a regressor without a tower")
    except MALFORMED_FILE_ERRORS as bad:
        raise AffectError(
            f"{to_printable(path)}: no regressors can be read ({type(bad).__name__}: {bad}); install again"
        ) from bad
    return RegressorSet(
        members=members,
        encoder_signatures=signatures,
        metadata=metadata,
        digest=file.digest,
    )

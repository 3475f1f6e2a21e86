"""Numbers foretold from experts' rows (valence, arousal, logits), as plain numpy, and their files.

A regressor is one tower or several, the mean of which is taken; towers are those of `spaces.joint.space`,
without the unit length. A file holds the regressors of one sense by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from encoders.base import AffectError, Rows, to_printable
from encoders.safetensors_io import MALFORMED_FILE_ERRORS, read_safetensors, write_safetensors
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
        """The roles it reads."""
        return tuple(dict.fromkeys(role for tower in self.towers for role in tower.inputs))

    def __call__(self, features: Features) -> Rows:
        """(n, k) of features by role; NaN where none of its roles says anything.

        Raises KeyError if none of its roles is in `features`.
        """
        return np.asarray(np.mean([tower.project_raw(features) for tower in self.towers], axis=0), np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressorSet:
    """The regressors of one sense, as a file holds them.

    encoder_signatures: by role, the signature of the encoder whose rows they read
    metadata: what must be known to read the numbers (names of classes, constants), as JSON
    digest:   of the file
    """

    members: Mapping[str, Regressor]
    encoder_signatures: Mapping[str, str]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    def __getitem__(self, name: str) -> Regressor:
        return self.members[name]


def save_regressors(path: Path, regressors: RegressorSet) -> str:
    """Write them, weights as float16 where that is enough; gives the digest.

    Raises ValueError for weights that are not finite or too large.
    """
    tensors = {
        name: rows
        for member, regressor in regressors.members.items()
        for number, one in enumerate(regressor.towers)
        for name, rows in flatten_tower(f"{member}.{number}", one)
    }
    notes = {
        "format": FORMAT_VERSION,
        "members": {name: len(one.towers) for name, one in regressors.members.items()},
        "encoders": dict(regressors.encoder_signatures),
        "about": dict(regressors.metadata),
    }
    if not all(np.isfinite(rows).all() for rows in tensors.values()):
        raise ValueError(f"{path.name}: weights that are not finite, or too large for float16")
    return write_safetensors(path, tensors, "regressors", notes)


def load_regressors(path: Path) -> RegressorSet:
    """Read what `save_regressors` wrote. Raises AffectError."""
    try:
        file = read_safetensors(path, "regressors")
        notes = file.metadata
        if notes["format"] != FORMAT_VERSION:
            raise ValueError(f"format {notes['format']}, not {FORMAT_VERSION}")
        members = {
            name: Regressor(
                towers=tuple(unflatten_tower(file.tensors, f"{name}.{number}") for number in range(count))
            )
            for name, count in notes["members"].items()
        }
        encoders, about = dict(notes["encoders"]), dict(notes["about"])
        if not all(one.towers for one in members.values()):
            raise ValueError("a regressor without a tower")
    except MALFORMED_FILE_ERRORS as bad:
        raise AffectError(
            f"{to_printable(path)}: no regressors can be read ({type(bad).__name__}: {bad}); install again"
        ) from bad
    return RegressorSet(
        members=members,
        encoder_signatures=encoders,
        metadata=about,
        digest=file.digest,
    )

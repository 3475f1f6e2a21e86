"""Numbers foretold from experts' rows (valence, arousal, logits), as plain numpy, and their files.

A regressor is one tower or several, the mean of which is taken; towers are those of `spaces.joint.space`, without
the unit length. A file holds the regressors of one sense by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from encoders.base import AffectError, Rows, printable
from spaces.base import Features
from spaces.joint.io import tower, tower_tensors
from spaces.joint.space import Tower
from spaces.safetensors_io import notes_of, write_noted

FORMAT = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Regressor:
    """The mean of one tower or more, each from raw rows by role to (n, k) numbers."""

    towers: tuple[Tower, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles it reads."""
        return tuple(dict.fromkeys(role for tower in self.towers for role in tower.readers))

    def __call__(self, features: Features) -> Rows:
        """(n, k) of features by role; NaN where none of its roles says anything.

        Raises KeyError if none of its roles is in `features`.
        """
        return np.asarray(np.mean([tower.values(features) for tower in self.towers], axis=0), np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Regressors:
    """The regressors of one sense, as a file holds them.

    encoders: by role, the signature of the encoder whose rows they read
    about:    what must be known to read the numbers (names of classes, constants), as JSON
    digest:   of the file
    """

    members: Mapping[str, Regressor]
    encoders: Mapping[str, str]
    about: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    def __getitem__(self, name: str) -> Regressor:
        return self.members[name]


def save_regressors(file: Path, regressors: Regressors) -> str:
    """Write them, weights as float16 where that is enough; gives the digest.

    Raises ValueError for weights that are not finite or too large.
    """
    tensors = {
        name: rows
        for member, regressor in regressors.members.items()
        for number, one in enumerate(regressor.towers)
        for name, rows in tower_tensors(f"{member}.{number}", one)
    }
    notes = {
        "format": FORMAT,
        "members": {name: len(one.towers) for name, one in regressors.members.items()},
        "encoders": dict(regressors.encoders),
        "about": dict(regressors.about),
    }
    if not all(np.isfinite(rows).all() for rows in tensors.values()):
        raise ValueError(f"{file.name}: weights that are not finite, or too large for float16")
    return write_noted(file, tensors, "regressors", notes)


def load_regressors(file: Path) -> Regressors:
    """Read what `save_regressors` wrote. Raises AffectError."""
    try:
        content = file.read_bytes()
        notes = notes_of(content, "regressors")
        if notes["format"] != FORMAT:
            raise ValueError(f"format {notes['format']}, not {FORMAT}")
        tensors = load(content)
        members = {
            name: Regressor(towers=tuple(tower(tensors, f"{name}.{number}") for number in range(count)))
            for name, count in notes["members"].items()
        }
        encoders, about = dict(notes["encoders"]), dict(notes["about"])
        if not all(one.towers for one in members.values()):
            raise ValueError("a regressor without a tower")
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as bad:
        raise AffectError(
            f"{printable(file)}: no regressors can be read ({type(bad).__name__}: {bad}); install again"
        ) from bad
    return Regressors(
        members=members,
        encoders=encoders,
        about=about,
        digest=hashlib.sha256(content).hexdigest(),
    )

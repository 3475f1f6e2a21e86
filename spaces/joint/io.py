"""Heads on disk: one safetensors file per space, with their metadata as JSON in its header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from importlib.resources import files
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
from spaces.joint.space import Heads, KernelInput, Layer, LinearInput, TextDomain, Tower, TowerPair

FORMAT_VERSION = 1
PACKAGED_HEADS = ("object", "activity", "audio")
TOWER_NAMES = ("media", "text")
FLOAT16_FIELDS = {"weight", "centres"}  # precise enough in float16
SCALAR_FIELDS = {"power", "gamma"}  # stored as arrays of length 1


def save_heads(path: Path, heads: Heads, metadata: Mapping[str, Any]) -> str:
    """Write heads with `metadata`, weights as float16 where that suffices; returns the digest."""
    tensors = {
        name: rows
        for number, member in enumerate(heads.members)
        for side in TOWER_NAMES
        for name, rows in flatten_tower(f"{number}.{side}", getattr(member, side))
    }
    notes = {
        "format": FORMAT_VERSION,
        "encoders": dict(heads.encoder_signatures),
        "needs": list(heads.required_roles),
        "share": heads.zero_shot_weight,
        "weights": [member.weight for member in heads.members],
        "calibrations": {source: dict(numbers) for source, numbers in heads.calibrations.items()},
        "about": dict(metadata),
    }
    if heads.domain:
        tensors["domain"] = heads.domain.in_domain.astype(np.float16)
        notes["least"] = heads.domain.min_similarity
        if heads.domain.out_of_domain is not None:
            tensors["strangers"] = heads.domain.out_of_domain.astype(np.float16)
    if not all(np.isfinite(rows).all() for rows in tensors.values()):
        raise ValueError(f"{path.name}: weights that are not finite, or too large for float16")
    return write_safetensors(path, tensors, "heads", notes)


def load_heads(path: Path) -> Heads:
    """Load a file written by `save_heads`. Raises AffectError."""
    try:
        file = read_safetensors(path, "heads")
        notes = file.metadata
        if notes.get("format") != FORMAT_VERSION:
            raise AffectError(
                f"{to_printable(path)}: heads of format {notes.get('format')}, not "
                f"{FORMAT_VERSION}; train them again"
            )
        return _make_heads(file.tensors, notes, file.digest)
    except MALFORMED_FILE_ERRORS as bad:
        message = f"{to_printable(path)}: no trained heads can be read ({type(bad).__name__}: {bad})"
        raise AffectError(f"{message}; train them again") from bad


def _make_heads(tensors: Mapping[str, Rows], metadata: Mapping[str, Any], digest: str) -> Heads:
    """Raises ValueError or KeyError for tensors and metadata that do not fit."""
    members = tuple(
        TowerPair(
            media=unflatten_tower(tensors, f"{number}.media"),
            text=unflatten_tower(tensors, f"{number}.text"),
            weight=weight,
        )
        for number, weight in enumerate(metadata["weights"])
    )
    if not members or not all(np.isfinite(rows).all() for rows in tensors.values()):
        raise ValueError("no members, or numbers that are not finite")
    domain = None
    if "domain" in tensors:
        out_of_domain = tensors["strangers"].astype(np.float32) if "strangers" in tensors else None
        domain = TextDomain(
            in_domain=tensors["domain"].astype(np.float32),
            min_similarity=metadata["least"],
            out_of_domain=out_of_domain,
        )
    return Heads(
        members=members,
        encoder_signatures=metadata["encoders"],
        required_roles=tuple(metadata["needs"]),
        zero_shot_weight=metadata["share"],
        domain=domain,
        calibrations=metadata["calibrations"],
        digest=digest,
    )


@cache
def load_packaged_heads() -> Mapping[str, Heads]:
    """The heads in spaces/weights, by space."""
    folder = files("spaces") / "weights"
    paths = {name: Path(str(folder / f"{name}.safetensors")) for name in PACKAGED_HEADS}
    return {name: load_heads(path) for name, path in paths.items() if path.exists()}


def flatten_tower(prefix: str, tower: Tower) -> Iterator[tuple[str, Rows]]:
    """Names and arrays of a tower for a file, weights as float16."""
    yield f"{prefix}.bias", tower.bias
    for role, reader in tower.inputs.items():
        for part in fields(reader):
            rows = np.atleast_1d(np.asarray(getattr(reader, part.name), np.float32))
            yield (
                f"{prefix}.{role}.{part.name}",
                rows.astype(np.float16) if part.name in FLOAT16_FIELDS else rows,
            )
    for number, layer in enumerate(tower.layers):
        yield f"{prefix}.{number}.layer.weight", layer.weight.astype(np.float16)
        yield f"{prefix}.{number}.layer.bias", layer.bias


def _make_input(tensors: Mapping[str, Rows], role: str) -> LinearInput | KernelInput:
    kind = KernelInput if f"{role}.centres" in tensors else LinearInput
    parts: dict[str, Any] = {
        part.name: tensors[f"{role}.{part.name}"]
        for part in fields(kind)
        if part.default is MISSING or f"{role}.{part.name}" in tensors  # kernels of 0.2 have no power
    }
    for name in SCALAR_FIELDS & parts.keys():
        parts[name] = float(parts[name][0])
    return kind(**parts)


def unflatten_tower(tensors: Mapping[str, Rows], prefix: str) -> Tower:
    """The inverse of `flatten_tower`. Raises KeyError for a missing array."""
    inside = {
        name.removeprefix(f"{prefix}."): np.asarray(rows, np.float32)
        for name, rows in tensors.items()
        if name.startswith(f"{prefix}.")
    }
    roles = sorted({name.partition(".")[0] for name in inside if name.endswith(".absent")})
    count = sum(name.endswith(".layer.bias") for name in inside)
    return Tower(
        inputs={role: _make_input(inside, role) for role in roles},
        bias=inside["bias"],
        layers=tuple(
            Layer(weight=inside[f"{number}.layer.weight"], bias=inside[f"{number}.layer.bias"])
            for number in range(count)
        ),
    )

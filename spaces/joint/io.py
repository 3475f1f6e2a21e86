"""Heads on disk: one safetensors file a space, with what must be known of them in its header."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from encoders.base import AffectError, Rows, printable
from spaces.joint.space import Domain, Heads, KernelReader, Layer, Member, Reader, Tower
from spaces.safetensors_io import notes_of, write_noted

FORMAT = 1
PACKAGED = ("object", "activity", "audio")
SIDES = ("media", "text")
HALVED = {"weight", "centres"}  # float16 is enough for these
NUMBERS = {"power", "gamma"}  # kept as arrays of one


def save_heads(file: Path, heads: Heads, about: Mapping[str, Any]) -> str:
    """Write heads, weights as float16 where that is enough; `about` is kept for people. Gives the digest."""
    tensors = {
        name: rows
        for number, member in enumerate(heads.members)
        for side in SIDES
        for name, rows in tower_tensors(f"{number}.{side}", getattr(member, side))
    }
    notes = {
        "format": FORMAT,
        "encoders": dict(heads.encoders),
        "needs": list(heads.needs),
        "share": heads.share,
        "weights": [member.weight for member in heads.members],
        "calibrations": {source: dict(numbers) for source, numbers in heads.calibrations.items()},
        "about": dict(about),
    }
    if heads.domain:
        tensors["domain"] = heads.domain.texts.astype(np.float16)
        notes["least"] = heads.domain.least
        if heads.domain.strangers is not None:
            tensors["strangers"] = heads.domain.strangers.astype(np.float16)
    if not all(np.isfinite(rows).all() for rows in tensors.values()):
        raise ValueError(f"{file.name}: weights that are not finite, or too large for float16")
    return write_noted(file, tensors, "heads", notes)


def load_heads(file: Path) -> Heads:
    """Read what `save_heads` wrote. Raises AffectError."""
    try:
        content = file.read_bytes()
        notes = notes_of(content, "heads")
        if notes.get("format") != FORMAT:
            raise AffectError(
                f"{printable(file)}: heads of format {notes.get('format')}, not {FORMAT}; train them again"
            )
        return _heads(load(content), notes, hashlib.sha256(content).hexdigest())
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as bad:
        said = f"{printable(file)}: no trained heads can be read ({type(bad).__name__}: {bad})"
        raise AffectError(f"{said}; train them again") from bad


def _heads(tensors: Mapping[str, Rows], notes: Mapping[str, Any], digest: str) -> Heads:
    """Raises ValueError or KeyError for what doesn't hold together."""
    members = tuple(
        Member(media=tower(tensors, f"{number}.media"), text=tower(tensors, f"{number}.text"), weight=weight)
        for number, weight in enumerate(notes["weights"])
    )
    if not members or not all(np.isfinite(rows).all() for rows in tensors.values()):
        raise ValueError("no members, or numbers that are not finite")
    domain = None
    if "domain" in tensors:
        strangers = tensors["strangers"].astype(np.float32) if "strangers" in tensors else None
        domain = Domain(texts=tensors["domain"].astype(np.float32), least=notes["least"], strangers=strangers)
    return Heads(
        members=members,
        encoders=notes["encoders"],
        needs=tuple(notes["needs"]),
        share=notes["share"],
        domain=domain,
        calibrations=notes["calibrations"],
        digest=digest,
    )


@cache
def packaged_heads() -> Mapping[str, Heads]:
    """Heads that come with this package, by space."""
    folder = files("spaces") / "weights"
    places = {name: Path(str(folder / f"{name}.safetensors")) for name in PACKAGED}
    return {name: load_heads(place) for name, place in places.items() if place.exists()}


def tower_tensors(prefix: str, tower: Tower) -> Iterator[tuple[str, Rows]]:
    """Names and arrays of a tower as a file keeps them, weights as float16."""
    yield f"{prefix}.bias", tower.bias
    for role, reader in tower.readers.items():
        for part in fields(reader):
            rows = np.atleast_1d(np.asarray(getattr(reader, part.name), np.float32))
            yield f"{prefix}.{role}.{part.name}", rows.astype(np.float16) if part.name in HALVED else rows
    for number, layer in enumerate(tower.layers):
        yield f"{prefix}.{number}.layer.weight", layer.weight.astype(np.float16)
        yield f"{prefix}.{number}.layer.bias", layer.bias


def _reader(inside: Mapping[str, Rows], role: str) -> Reader | KernelReader:
    kind = KernelReader if f"{role}.centres" in inside else Reader
    parts: dict[str, Any] = {part.name: inside[f"{role}.{part.name}"] for part in fields(kind)}
    for name in NUMBERS & parts.keys():
        parts[name] = float(parts[name][0])
    return kind(**parts)


def tower(tensors: Mapping[str, Rows], prefix: str) -> Tower:
    """The tower that `tower_tensors` took apart. Raises KeyError for what is not there."""
    inside = {
        name.removeprefix(f"{prefix}."): np.asarray(rows, np.float32)
        for name, rows in tensors.items()
        if name.startswith(f"{prefix}.")
    }
    roles = sorted({name.partition(".")[0] for name in inside if name.endswith(".absent")})
    count = sum(name.endswith(".layer.bias") for name in inside)
    return Tower(
        readers={role: _reader(inside, role) for role in roles},
        bias=inside["bias"],
        layers=tuple(
            Layer(weight=inside[f"{number}.layer.weight"], bias=inside[f"{number}.layer.bias"])
            for number in range(count)
        ),
    )

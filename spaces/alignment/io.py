"""Maps on disk: safetensors with what they are as JSON in the header, never pickle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from encoders.base import AffectError, printable
from spaces.alignment.steps import Affine, Aligned, Chain, Floats, Kernel, Link, Network
from spaces.safetensors_io import notes_of, write_noted

FORMAT = 1
KINDS: Mapping[str, type[Affine] | type[Kernel] | type[Network]] = {
    "affine": Affine,
    "kernel": Kernel,
    "network": Network,
}
PARTS = ("across", "back", "source", "target")


def save_map(file: Path, aligned: Aligned, about: Mapping[str, Any] | None = None) -> str:
    """Write a map, and `about` for people and for whoever uses it; gives the digest.

    Raises ValueError for numbers that are not finite.
    """
    tensors: dict[str, Floats] = {}
    kinds: dict[str, list[str]] = {}
    for part in PARTS:
        link = getattr(aligned, part)
        if link is None:
            continue
        steps = link.steps if isinstance(link, Chain) else (link,)
        kinds[part] = [_kind(step) for step in steps]
        for number, step in enumerate(steps):
            tensors |= {f"{part}.{number}.{name}": array for name, array in _arrays(step)}
    if not all(np.isfinite(array).all() for array in tensors.values()):
        raise ValueError(f"{file.name}: a map with numbers that are not finite")
    notes = {
        "format": FORMAT,
        "name": aligned.name,
        "steps": kinds,
        "notes": dict(aligned.notes),
        "about": dict(about or {}),
    }
    return write_noted(file, tensors, "map", notes)


def load_map(file: Path) -> tuple[Aligned, dict[str, Any]]:
    """Read what `save_map` wrote: the map and what it says about itself. Raises AffectError."""
    try:
        content = file.read_bytes()
        notes = notes_of(content, "map")
        if notes["format"] != FORMAT:
            raise ValueError(f"format {notes['format']}, not {FORMAT}")
        tensors = load(content)
        parts = {part: _link(part, kinds, tensors) for part, kinds in notes["steps"].items()}
        return Aligned(name=notes["name"], notes=notes["notes"], **parts), notes["about"]
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError) as bad:
        raise AffectError(f"{printable(file)}: no map can be read ({type(bad).__name__}: {bad})") from bad


def _kind(step: object) -> str:
    return next(name for name, kind in KINDS.items() if type(step) is kind)


def _arrays(step: Affine | Kernel | Network) -> Iterator[tuple[str, Floats]]:
    for entry in fields(step):
        value = np.asarray(getattr(step, entry.name), np.float64)
        yield entry.name, np.ascontiguousarray(np.atleast_1d(value))


def _link(part: str, kinds: list[str], tensors: Mapping[str, Floats]) -> Link:
    steps: list[Affine | Kernel | Network] = []
    for number, kind in enumerate(kinds):
        found: dict[str, Any] = {}
        for entry in fields(KINDS[kind]):
            value = tensors[f"{part}.{number}.{entry.name}"]
            found[entry.name] = float(value[0]) if entry.name == "gamma" else value
        steps.append(KINDS[kind](**found))
    return steps[0] if len(steps) == 1 else Chain(steps=tuple(steps))

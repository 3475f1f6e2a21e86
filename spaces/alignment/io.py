"""Maps on disk: arrays in safetensors, the structure of the map as JSON in the header, never pickle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from encoders import MALFORMED_FILE_ERRORS, AffectError, read_safetensors, to_printable, write_safetensors
from spaces.alignment.steps import (
    AffineMap,
    AlignmentMap,
    ChainedMap,
    Floats,
    KernelMap,
    NetworkMap,
    PointMap,
)

FORMAT_VERSION = 1
MAP_CLASSES: Mapping[str, type[AffineMap] | type[KernelMap] | type[NetworkMap]] = {
    "affine": AffineMap,
    "kernel": KernelMap,
    "network": NetworkMap,
}
MAP_PARTS: Mapping[str, str] = {  # name in the file -> field of AlignmentMap
    "across": "forward",
    "back": "backward",
    "source": "source_to_common",
    "target": "target_to_common",
}


def save_map(path: Path, fitted_map: AlignmentMap, metadata: Mapping[str, Any] | None = None) -> str:
    """Write a map with `metadata`; returns the digest.

    Raises ValueError for numbers that are not finite.
    """
    tensors: dict[str, Floats] = {}
    kinds: dict[str, list[str]] = {}
    for part, field_name in MAP_PARTS.items():
        point_map = getattr(fitted_map, field_name)
        if point_map is None:
            continue
        steps = point_map.steps if isinstance(point_map, ChainedMap) else (point_map,)
        kinds[part] = [_get_kind(step) for step in steps]
        for number, step in enumerate(steps):
            tensors |= {f"{part}.{number}.{name}": array for name, array in _list_arrays(step)}
    if not all(np.isfinite(array).all() for array in tensors.values()):
        raise ValueError(f"{path.name}: a map with numbers that are not finite")
    header = {
        "format": FORMAT_VERSION,
        "name": fitted_map.name,
        "steps": kinds,
        "notes": dict(fitted_map.notes),
        "about": dict(metadata or {}),
    }
    return write_safetensors(path, tensors, "map", header)


def load_map(path: Path) -> tuple[AlignmentMap, dict[str, Any]]:
    """Load a file written by `save_map`: the map and its metadata. Raises AffectError."""
    try:
        file = read_safetensors(path, "map")
        header = file.metadata
        if header["format"] != FORMAT_VERSION:
            raise ValueError(f"format {header['format']}, not {FORMAT_VERSION}")
        parts = {
            MAP_PARTS[part]: _make_map(part, kinds, file.tensors) for part, kinds in header["steps"].items()
        }
        return AlignmentMap(name=header["name"], notes=header["notes"], **parts), header["about"]
    except MALFORMED_FILE_ERRORS as bad:
        raise AffectError(f"{to_printable(path)}: no map can be read ({type(bad).__name__}: {bad})") from bad


def _get_kind(step: object) -> str:
    return next(name for name, kind in MAP_CLASSES.items() if type(step) is kind)


def _list_arrays(step: AffineMap | KernelMap | NetworkMap) -> Iterator[tuple[str, Floats]]:
    for entry in fields(step):
        value = np.asarray(getattr(step, entry.name), np.float64)
        yield entry.name, np.ascontiguousarray(np.atleast_1d(value))


def _make_map(part: str, kinds: list[str], tensors: Mapping[str, Floats]) -> PointMap:
    steps: list[AffineMap | KernelMap | NetworkMap] = []
    for number, kind in enumerate(kinds):
        values: dict[str, Any] = {}
        for entry in fields(MAP_CLASSES[kind]):
            value = tensors[f"{part}.{number}.{entry.name}"]
            values[entry.name] = float(value[0]) if entry.name == "gamma" else value
        steps.append(MAP_CLASSES[kind](**values))
    return steps[0] if len(steps) == 1 else ChainedMap(steps=tuple(steps))

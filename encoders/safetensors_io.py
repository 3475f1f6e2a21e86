"""Named arrays on disk with metadata: one safetensors file, the metadata as JSON in its header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from encoders.files import write_atomically

Array = npt.NDArray[Any]
MALFORMED_FILE_ERRORS = (
    SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError,
)  # fmt: skip
"""Errors that reading a file and unpacking its content may raise: missing, damaged, of another kind."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TensorFile:
    """The content of a safetensors file.

    tensors:  arrays by name
    metadata: the metadata under the key that was read; empty if there is none
    digest:   SHA-256 of the file, hexadecimal
    """

    tensors: Mapping[str, Array]
    metadata: Mapping[str, Any]
    digest: str


def write_safetensors(
    path: Path, tensors: Mapping[str, Array], key: str = "", metadata: Mapping[str, Any] | None = None
) -> str:
    """Write arrays, and `metadata` under `key` of the header, atomically; returns the SHA-256."""
    header = {key: json.dumps(metadata, sort_keys=True)} if metadata is not None else None
    content = save(dict(tensors), header)
    write_atomically(path, content)
    return hashlib.sha256(content).hexdigest()


def read_safetensors(path: Path, key: str = "") -> TensorFile:
    """Read what `write_safetensors` wrote. Raises one of MALFORMED_FILE_ERRORS."""
    content = path.read_bytes()
    return TensorFile(
        tensors=load(content),
        metadata=_parse_metadata(content, key),
        digest=hashlib.sha256(content).hexdigest(),
    )


def _parse_metadata(content: bytes, key: str) -> dict[str, Any]:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata: dict[str, Any] = json.loads(header.get("__metadata__", {}).get(key, "{}"))
    return metadata
